import { startProgram } from '../cluster/program.js'
import { peerContenders, type PeerContender } from '../kit/contender.js'
import type { Ask, Measure, Part } from '../kit/measure.js'
import { inTurns, type Round } from '../kit/turns.js'

const IDLE = 'idle client'
const AFTER = 'growth after 1M messages'

async function ask<Answer>({ peer, build }: PeerContender, what: string, details: object): Promise<Answer> {
  const program = startProgram(build.program('heap/program'), { peer })
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
  return { [IDLE]: bytes, [AFTER]: growth * 100 }
}

async function run(asked: Ask): Promise<readonly Measure[]> {
  const { stage, small, wanted } = asked
  const socket: PeerContender = { name: 'the stub socket alone', peer: 'native', build: stage.present }
  // A heap is the same each time: one round says it.
  return inTurns(
    { ...asked, rounds: 1 },
    [socket, ...wanted(peerContenders(stage))],
    { [IDLE]: 'B', [AFTER]: '%' },
    (contender) =>
      measure(contender, small ? { clients: 50, messages: 5_000 } : { clients: 1_000, messages: 1_000_000 }),
  )
}

export const heap: Part = {
  name: 'heap',
  title: 'Heap of a client',
  how: 'Node, over a stub WebSocket, after a collection. Idle: of each of 1,000 clients, connected and subscribed to one topic. Growth: of the whole heap of a process with one client.',
  run,
}
