import { startProgram } from '../cluster/program.js'
import { peerContenders, type PeerContender } from '../kit/contender.js'
import type { Ask, Measure, Part } from '../kit/measure.js'
import { inTurns, multiples, type Round } from '../kit/turns.js'

const NATIVE = 'ws, and JSON.parse'
const RATE = 'messages'
const PER_CPU = 'messages per second of processor time'

async function receive(
  { peer, build }: PeerContender,
  { messages, warmUp }: { messages: number; warmUp: number },
): Promise<Round> {
  const sender = startProgram(build.program('throughput/sender'), { peer })
  const { port } = await sender.ask<{ port: number }>('listen')
  const client = startProgram(build.program('throughput/client'), { peer, url: `ws://127.0.0.1:${port}/live` })
  try {
    await client.ask('connect')
    const run = async (count: number) => {
      await sender.ask('prepare', { messages: count })
      await client.ask('expect', { messages: count })
      await sender.ask('send')
      return client.ask<{ ms: number; cpuMs: number }>('received')
    }
    await run(warmUp)
    const { ms, cpuMs } = await run(messages)
    return { [RATE]: (messages * 1_000) / ms, [PER_CPU]: (messages * 1_000) / cpuMs }
  } finally {
    for (const program of [client, sender]) program.kill('SIGKILL')
    await Promise.all([client.exit, sender.exit])
  }
}

async function run(ask: Ask): Promise<readonly Measure[]> {
  const size = ask.small ? { messages: 2_000, warmUp: 500 } : { messages: 200_000, warmUp: 50_000 }
  const native: PeerContender = { name: NATIVE, peer: 'native', build: ask.stage.present }
  const measures = await inTurns(
    ask,
    [native, ...ask.wanted(peerContenders(ask.stage))],
    { [RATE]: '/s', [PER_CPU]: '/s' },
    (contender) => receive(contender, size),
  )
  return [
    ...measures,
    ...multiples(measures, RATE, { of: NATIVE, as: 'against ws' }),
    ...multiples(measures, PER_CPU, { of: NATIVE, as: 'against ws, per processor time' }),
  ]
}

export const throughput: Part = {
  name: 'throughput',
  title: 'Throughput on loopback',
  how: 'In Node, with every client over `ws`: another process writes ready-made frames as fast as the client reads them. 1 is `ws` alone with `JSON.parse` and a callback.',
  run,
}
