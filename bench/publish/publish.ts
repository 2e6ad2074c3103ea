import { startProgram } from '../cluster/program.js'
import { peerContenders, type PeerContender } from '../kit/contender.js'
import type { Ask, Measure, Part } from '../kit/measure.js'
import { inTurns, multiples, type Round } from '../kit/turns.js'

const TIME = 'processor time'
const OVER = 'over JSON.stringify'

async function measure({ peer, build }: PeerContender, size: { publishes: number; warmUp: number }): Promise<Round> {
  const program = startProgram(build.program('publish/program'), { peer })
  try {
    const { us, leastUs } = await program.ask<{ us: number; leastUs: number }>('measure', size)
    return { [TIME]: us, [OVER]: us / leastUs }
  } finally {
    program.kill('SIGKILL')
    await program.exit
  }
}

async function run(ask: Ask): Promise<readonly Measure[]> {
  const size = ask.small ? { publishes: 400, warmUp: 200 } : { publishes: 20_000, warmUp: 10_000 }
  const measures = await inTurns(
    ask,
    ask.wanted(peerContenders(ask.stage)),
    { [TIME]: 'µs', [OVER]: '×' },
    (contender) => measure(contender, size),
  )
  return [...measures, ...multiples(measures, TIME, { of: 'LiveSocket before', as: 'against LiveSocket before' })]
}

export const publish: Part = {
  name: 'publish',
  title: 'Processor time of a publish',
  how: '643 bytes of JSON, Node, over a stub WebSocket, including its answer if the library has one (reconnecting-websocket, partysocket and LiveWebSocket have none). 1 is `JSON.stringify` of the same data.',
  run,
}
