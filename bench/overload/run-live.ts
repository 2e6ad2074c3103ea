import { setTimeout as pause } from 'node:timers/promises'
import type { ServerStats } from '../../src/server/index.js'
import { startRedisServer } from '../../test/kit/redis-server.js'
import { freePort } from './gate.js'
import { CALM_RATE, type LiveScenario } from './live-scenarios.js'
import { startProgram, type Program } from './program.js'
import type { Contender } from './run-scenario.js'

/** Milliseconds; null if it was not reached. */
export interface LiveOutcome {
  readonly scenario: string
  readonly contender: string
  readonly clients: number
  /**
   * Messages whose publishers were told that they are stored; of those, how many are not stored or are stored twice.
   */
  readonly kept: number
  readonly unkept: number
  readonly twice: number
  /**
   * Publishes that settled otherwise, by their outcome; and publishes that the server delayed because of slow readers.
   */
  readonly refused: Readonly<Record<string, number>>
  readonly slowed: number
  /** Messages that readers are missing without a gap, messages that they are missing in a gap, and wrong deliveries. */
  readonly lost: number
  readonly missed: number
  readonly repeated: number
  readonly reordered: number
  /** Subscribers that read nothing and were closed for it. */
  readonly tooSlow: number
  /** p99 of the delivery time in another topic during the trouble. */
  readonly quiet: number
  /** What was left when the trouble ended: publishes without an answer, and messages that some reader had not read. */
  readonly waiting: number
  readonly behind: number
  /**
   * The time from then until nothing was left; and the time that this takes at the rates which the server had before.
   */
  readonly calm: number | null
  readonly needed: number
  readonly dialsPerClient: number
  /** The peak memory of the server, as a multiple of its memory afterwards. */
  readonly memory: number
}

interface Seen {
  readonly live: number
  readonly dials: number
  readonly waiting: number
  readonly received: number
  readonly kept: number
  readonly head: number
  readonly behind: number
  readonly took: number
}

interface NodeSeen {
  readonly rss: number
  readonly peak: number
  readonly stats: ServerStats
}

type Message = [offset: number, by: string, n: number]

const EVERY = 100
/** So many unanswered publishes at a time that the server never waits for the next one. */
const UNANSWERED = 100
const SETTLE = 1_000
/** Redis sleeps for this many seconds, again and again. Between two sleeps it executes what has queued up. */
const SLOW = '0.4'
/** A message that takes less time has not waited. */
const SOON = 250

interface Stand {
  readonly node: Program
  readonly readers: Program
  readonly publishers: Program
  readonly quiet: Program
  /** Makes Redis slow for `ms` milliseconds. */
  slow(ms: number): Promise<void>
}

export async function runLive(scenario: LiveScenario, contender: Contender): Promise<LiveOutcome> {
  const ends: (() => unknown)[] = []
  const start = async (name: string, ...args: string[]) => {
    const program = await startProgram(name, args)
    ends.push(program.kill)
    return program
  }
  try {
    const redis =
      scenario.trouble === 'slow-redis' ? await startRedisServer({ more: ['--enable-debug-command', 'local'] }) : null
    if (redis) ends.push(redis.close)
    const port = await freePort()
    const url = `ws://127.0.0.1:${port}`
    const [node, readers, publishers, quiet] = await Promise.all([
      start('node', contender.kind, 'heeds', String(port)),
      start('talkers', contender.kind, url),
      start('talkers', contender.kind, url),
      start('talkers', contender.kind, url),
    ])
    await node.ask('listen', { redis: redis?.url, keeps: scenario.keeps, options: {} })
    const slow = async (ms: number) => {
      const until = performance.now() + ms
      while (performance.now() < until) await redis!.command('DEBUG', 'SLEEP', SLOW)
    }
    return await play(scenario, contender, { node, readers, publishers, quiet, slow })
  } finally {
    await Promise.all(ends.map((end) => end()))
  }
}

async function play(scenario: LiveScenario, contender: Contender, stand: Stand): Promise<LiveOutcome> {
  const { node, readers, publishers, quiet } = stand
  await readers.ask('connect', { topic: 'busy', readers: scenario.readers, deaf: scenario.deaf })
  await publishers.ask('connect', { topic: 'busy', publishers: scenario.publishers })
  await quiet.ask('connect', { topic: 'quiet', readers: 1, publishers: 1, name: 'quiet' })
  const clients = scenario.readers + scenario.publishers
  if (!(await until(async () => (await look(readers)).live + (await look(publishers)).live === clients)))
    throw new Error('Not all clients became live.')
  const can = await capacity(scenario, stand)
  await quiet.ask('publish', { perSecond: 50, bytes: 0 })
  await publishers.ask('publish', { perSecond: CALM_RATE, bytes: scenario.bytes })
  await pause(SETTLE)
  for (const program of [node, readers, publishers, quiet]) await program.ask('forget')

  await trouble(scenario, stand)
  const over = performance.now()
  const { waiting, behind } = await left(stand)
  const calm = (await until(() => isCalm(scenario, stand), scenario.limit)) ? performance.now() - over : null
  const dials = (await look(readers)).dials + (await look(publishers)).dials

  for (const program of [publishers, quiet]) await program.ask('publish', { perSecond: 0, bytes: 0 })
  await until(async () => (await look(publishers)).waiting === 0, scenario.limit)
  await pause(SETTLE)
  const after = await node.ask<NodeSeen>('look')
  await node.ask('forget')
  const { rss } = await node.ask<NodeSeen>('look')
  const times = await quiet.ask<number[]>('times')
  return {
    scenario: scenario.name,
    contender: contender.name,
    clients: clients + scenario.deaf,
    ...(await judged(stand)),
    slowed: after.stats.slowed,
    tooSlow: after.stats.failed['too-slow'] ?? 0,
    quiet: times[Math.floor(times.length * 0.99)] ?? 0,
    waiting,
    behind,
    calm,
    needed: (waiting / can.kept + behind / can.received) * 1_000,
    dialsPerClient: dials / clients,
    memory: after.peak / rss,
  }
}

/** Causes the trouble, from its beginning to its end. */
async function trouble(scenario: LiveScenario, { node, publishers, slow }: Stand) {
  const { perSecond, bytes, lasts } = scenario
  const from = performance.now()
  await publishers.ask('publish', { perSecond, bytes })
  if (scenario.trouble === 'slow-redis') await slow(lasts)
  if (scenario.trouble === 'stand-still') await node.ask('stand-still', lasts)
  await pause(Math.max(0, from + lasts - performance.now()))
  await publishers.ask('publish', { perSecond: CALM_RATE, bytes })
}

/**
 * How many messages can be stored and read in a second without trouble: each answer is followed by the next publish.
 */
async function capacity(scenario: LiveScenario, { readers, publishers }: Stand) {
  const { bytes, publishers: count } = scenario
  const seen = async () => ({ kept: (await look(publishers)).kept, received: (await look(readers)).received })
  const before = await seen()
  const from = performance.now()
  await publishers.ask('publish', { perSecond: 0, bytes, unanswered: Math.ceil(UNANSWERED / count) })
  await pause(SETTLE)
  await publishers.ask('publish', { perSecond: 0, bytes })
  await until(async () => (await look(publishers)).waiting === 0)
  const after = await seen()
  const seconds = (performance.now() - from) / 1_000
  return { kept: (after.kept - before.kept) / seconds, received: (after.received - before.received) / seconds }
}

/** Publishes without an answer, and stored messages that are not read. */
async function left({ readers, publishers }: Stand) {
  const { waiting, head } = await look(publishers)
  return { waiting, behind: (await readers.ask<Seen>('look', head)).behind }
}

/** Whether all clients are live, and publishes are answered and read at once. */
async function isCalm(scenario: LiveScenario, stand: Stand): Promise<boolean> {
  const { waiting, behind } = await left(stand)
  const [readers, publishers] = await Promise.all([look(stand.readers), look(stand.publishers)])
  const underWay = scenario.publishers * CALM_RATE * (SOON / 1_000)
  return (
    readers.live === scenario.readers &&
    publishers.live === scenario.publishers &&
    readers.took < SOON &&
    waiting <= Math.max(scenario.publishers, underWay) &&
    behind <= scenario.readers * Math.max(1, underWay)
  )
}

function look(program: Program): Promise<Seen> {
  return program.ask<Seen>('look')
}

async function until(holds: () => Promise<boolean>, limit = 60_000): Promise<boolean> {
  const from = performance.now()
  while (!(await holds())) {
    if (performance.now() - from > limit) return false
    await pause(EVERY)
  }
  return true
}

/** Compares what publishers were told with what the log contains. */
async function judged({ readers, publishers }: Stand) {
  const { kept, refused } = await publishers.ask<{ kept: Message[]; refused: Record<string, number> }>('said')
  const heard = new Map<number, string>()
  const seen = new Set<string>()
  let twice = 0
  for (const [offset, by, n] of await readers.ask<Message[]>('heard')) {
    const name = `${by} ${n}`
    heard.set(offset, name)
    if (seen.has(name)) twice++
    seen.add(name)
  }
  const unkept = kept.filter(([offset, by, n]) => heard.has(offset) && heard.get(offset) !== `${by} ${n}`).length
  const head = kept.reduce((most, [offset]) => Math.max(most, offset), 0)
  const balance = await readers.ask<{ lost: number; missed: number; repeated: number; reordered: number }>(
    'balance',
    head,
  )
  return { kept: kept.length, unkept, twice, refused, ...balance }
}
