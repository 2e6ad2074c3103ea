import { setTimeout as pause } from 'node:timers/promises'
import type { ServerStats } from '../../src/server/index.js'
import { startRedisServer } from '../../test/kit/redis-server.js'
import { freePort } from './gate.js'
import { CALM_RATE, type LiveScenario } from './live-scenarios.js'
import { startProgram, type Program } from './program.js'
import type { Contender } from './run-scenario.js'

/** Milliseconds; null where it was not reached. */
export interface LiveOutcome {
  readonly scenario: string
  readonly contender: string
  readonly clients: number
  /** Messages that publishers were told are stored, and of those the ones that are not, or twice. */
  readonly kept: number
  readonly unkept: number
  readonly twice: number
  /** Publishes that ended otherwise, by what their publishers were told; and those that had to wait for readers. */
  readonly refused: Readonly<Record<string, number>>
  readonly slowed: number
  /** Of those who read: missing without a word, missing in a gap that was told, and what came wrongly. */
  readonly lost: number
  readonly missed: number
  readonly repeated: number
  readonly reordered: number
  /** Those that read nothing and were closed for it. */
  readonly tooSlow: number
  /** The 99th of 100 messages of a quiet topic, meanwhile. */
  readonly quiet: number
  /** What waited when it was over: publishes without an answer, and messages that somebody had not read. */
  readonly waiting: number
  readonly behind: number
  /** From then until nothing waited, and what both need at what could be stored and read in a second before. */
  readonly calm: number | null
  readonly needed: number
  readonly dialsPerClient: number
  /** In multiples of what the server has afterwards. */
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
/** Publishes without an answer that are enough to have nobody wait for the next one. */
const UNANSWERED = 100
const SETTLE = 1_000
/** Redis does nothing for so many seconds again and again, and between two of them what it was asked meanwhile. */
const SLOW = '0.4'
/** A message that takes less has waited for nothing. */
const SOON = 250

interface Stand {
  readonly node: Program
  readonly readers: Program
  readonly publishers: Program
  readonly quiet: Program
  /** Redis is slow for so long, ms. */
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

/** What is done, from its beginning to its end. */
async function trouble(scenario: LiveScenario, { node, publishers, slow }: Stand) {
  const { perSecond, bytes, lasts } = scenario
  const from = performance.now()
  await publishers.ask('publish', { perSecond, bytes })
  if (scenario.trouble === 'slow-redis') await slow(lasts)
  if (scenario.trouble === 'stand-still') await node.ask('stand-still', lasts)
  await pause(Math.max(0, from + lasts - performance.now()))
  await publishers.ask('publish', { perSecond: CALM_RATE, bytes })
}

/** What can be stored and read in a second, where all is well: as much is published as is answered. */
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

/** Publishes that wait for their answer, and messages that are stored and not read. */
async function left({ readers, publishers }: Stand) {
  const { waiting, head } = await look(publishers)
  return { waiting, behind: (await readers.ask<Seen>('look', head)).behind }
}

/** All are live, and what is published is answered and read at once. */
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

/** What publishers were told, beside what there is to read. */
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
