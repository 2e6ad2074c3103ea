import { setTimeout } from 'node:timers/promises'
import { startProgram, type Program } from '../cluster/program.js'
import type { Contender } from '../kit/contender.js'
import type { Ask, Measure, Part } from '../kit/measure.js'
import type { Stage } from '../kit/stage.js'
import { inTurns, multiples, type Round } from '../kit/turns.js'
import type { KindName } from './kinds.js'

interface ServerContender extends Contender {
  readonly kind: KindName
}

interface Size {
  readonly opens: number
  /** The number of legs of each fan-out, fewest first. */
  readonly fans: readonly number[]
  /** The number of messages to all legs together. */
  readonly deliveries: number
}

const WS = 'ws'
const FULL: Size = { opens: 2_000, fans: [100, 1_000], deliveries: 100_000 }
const SMALL: Size = { opens: 60, fans: [10, 20], deliveries: 400 }
const AT_ONCE = 50
/** The time in which the kernel and the event loop finish their work after the last leg has connected, ms. */
const SETTLE = 500

function serverContenders(stage: Stage): ServerContender[] {
  return [
    ...stage.builds.map((build): ServerContender => ({ name: `LiveSocket${build.suffix}`, kind: 'livesocket', build })),
    { name: WS, kind: 'ws', build: stage.present },
    { name: 'socket.io', kind: 'socket-io', build: stage.present },
  ]
}

async function withServer<Result>(
  { kind, build }: ServerContender,
  use: (server: Program, legs: Program) => Promise<Result>,
): Promise<Result> {
  const server = startProgram(build.program('server/node'), { kind })
  const { port } = await server.ask<{ port: number }>('listen')
  const legs = startProgram(build.program('server/legs'), { kind, port })
  try {
    return await use(server, legs)
  } finally {
    for (const program of [legs, server]) program.kill('SIGKILL')
    await Promise.all([legs.exit, server.exit])
  }
}

/**
 * Measures opens and idle memory. Some legs connect before, since what a process needs to serve anybody is not the cost
 * of a leg.
 */
async function measureLegs(contender: ServerContender, { opens }: Size): Promise<Round> {
  return withServer(contender, async (server, legs) => {
    await legs.ask('open', { legs: Math.ceil(opens / 5), atOnce: AT_ONCE })
    await setTimeout(SETTLE)
    const before = await server.ask<{ heap: number; rss: number }>('memory')
    const cpu = await server.ask<number>('cpu')
    const { ms } = await legs.ask<{ ms: number }>('open', { legs: opens, atOnce: AT_ONCE })
    const spent = (await server.ask<number>('cpu')) - cpu
    await setTimeout(SETTLE)
    const after = await server.ask<{ heap: number; rss: number }>('memory')
    return {
      opens: (opens * 1_000) / ms,
      'processor time of an open': (spent * 1_000) / opens,
      'idle leg': (after.heap - before.heap) / opens,
    }
  })
}

/** Microseconds of processor time of the server for each message that a leg gets. */
async function measureFan(contender: ServerContender, legCount: number, deliveries: number): Promise<number> {
  return withServer(contender, async (server, legs) => {
    await legs.ask('open', { legs: legCount, atOnce: AT_ONCE })
    const fan = async (messages: number) => {
      await legs.ask('expect', { messages: messages * legCount })
      const before = await server.ask<number>('cpu')
      await server.ask('publish', { messages, pause: legCount > 500 ? 5 : 1 })
      await legs.ask('received')
      return (((await server.ask<number>('cpu')) - before) * 1_000) / (messages * legCount)
    }
    const messages = Math.ceil(deliveries / legCount)
    await fan(Math.ceil(messages / 4))
    return fan(messages)
  })
}

const fanName = (legs: number) => `a delivery to one of ${legs.toLocaleString('en-US')} legs`

async function run(ask: Ask): Promise<readonly Measure[]> {
  const size = ask.small ? SMALL : FULL
  const fans = size.fans.map(fanName)
  const units = {
    opens: '/s',
    'processor time of an open': 'µs',
    'idle leg': 'B',
    ...Object.fromEntries(fans.map((name) => [name, 'µs' as const])),
  } as const
  const contenders = serverContenders(ask.stage).filter(
    (contender) => contender.kind === 'ws' || ask.wanted([contender]).length > 0,
  )
  const measures = await inTurns(ask, contenders, units, async (contender) => {
    const found: Record<string, number> = { ...(await measureLegs(contender, size)) }
    for (const legs of size.fans) found[fanName(legs)] = await measureFan(contender, legs, size.deliveries)
    return found
  })
  return [...measures, ...fans.flatMap((name) => multiples(measures, name, { of: WS, as: `${name}, against ws` }))]
}

export const server: Part = {
  name: 'server',
  title: 'A server’s legs',
  how: 'One server process, bare sockets in another process. Opens: dial to welcome, 50 at a time. An idle leg: bytes of the heap, and of the memory outside that it holds. A delivery: processor time of the server for one message on one leg; 1 is a loop of `ws` `send`.',
  run,
}
