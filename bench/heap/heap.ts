import { startProgram } from '../cluster/program.js'
import { peerContenders, type PeerContender } from '../kit/contender.js'
import type { Ask, Measure, Part } from '../kit/measure.js'
import { inTurns, type Round } from '../kit/turns.js'

const IDLE = 'idle client'
const AFTER = 'growth after 1M messages'
const GARBAGE = 'garbage of a message'

/** So much room that no garbage is collected before it is counted. */
const ROOMY = ['--min-semi-space-size=64', '--max-semi-space-size=64']

async function ask<Answer>(
  { peer, build }: PeerContender,
  what: string,
  details: object,
  flags?: readonly string[],
): Promise<Answer> {
  const program = startProgram(build.program('heap/program'), { peer }, flags)
  try {
    return await program.ask<Answer>(what, details)
  } finally {
    program.kill('SIGKILL')
    await program.exit
  }
}

async function measure(
  contender: PeerContender,
  { clients, messages }: { clients: number; messages: number },
): Promise<Round> {
  const { bytes } = await ask<{ bytes: number }>(contender, 'idle', { clients })
  const { growth } = await ask<{ growth: number }>(contender, 'after', { messages, warmUp: messages / 10 })
  const made = await ask<{ bytes: number }>(contender, 'garbage', { messages: messages / 100, blocks: 10 }, ROOMY)
  return { [IDLE]: bytes, [AFTER]: growth * 100, [GARBAGE]: made.bytes }
}

async function run(asked: Ask): Promise<readonly Measure[]> {
  const { stage, small, wanted } = asked
  const socket: PeerContender = { name: 'the stub socket alone', peer: 'native', build: stage.present }
  // Heap sizes are the same in every round, so one round is enough.
  return inTurns(
    { ...asked, rounds: 1 },
    [socket, ...wanted(peerContenders(stage))],
    { [IDLE]: 'B', [AFTER]: '%', [GARBAGE]: 'B' },
    (contender) =>
      measure(contender, small ? { clients: 50, messages: 5_000 } : { clients: 1_000, messages: 1_000_000 }),
  )
}

export const heap: Part = {
  name: 'heap',
  title: 'Heap of a client',
  how: 'Node, over a stub WebSocket, after a garbage collection. Idle: bytes of each of 1,000 clients that are connected and subscribed to one topic. Growth: of the whole heap of a process with one client. Garbage: what each message allocates until its handler returns, including its parsed data.',
  run,
}
