import { describe, expect, onTestFinished, test } from 'vitest'
import { openRedisLog, type RedisLog } from '../../../src/server/redis/redis-log.js'
import { startRedisServer, type RedisServer, type RedisServerOptions } from '../../kit/redis-server.js'
import { createRelay } from '../../kit/relay.js'
import { ALL, until } from './redis-kit.js'

/**
 * An offset never means two things, and a listener that missed something is told so once: with two nodes that publish
 * and listen continuously, whatever happens to Redis. NUMBERING_ROUNDS=50 runs each scene 50 times.
 */

const ROUNDS = Number(process.env['NUMBERING_ROUNDS'] ?? 1)
const TOPICS = ['a', 'b', 'c']

/** Collects everything that anybody was told about any offset. */
function witness() {
  const meanings = new Map<string, Set<string>>()
  return {
    saw(epoch: string, topic: string, offset: number, data: string) {
      const name = `${epoch} ${topic} ${offset}`
      meanings.set(name, (meanings.get(name) ?? new Set()).add(data))
    },
    ambiguous: () =>
      [...meanings].filter(([, all]) => all.size > 1).map(([name, all]) => `${name}: ${[...all].join(' or ')}`),
    /** All messages that were told, under any offset. */
    all: () =>
      new Set([...meanings].flatMap(([name, all]) => [...all].map((data) => `${name.split(' ')[1]!} ${data}`))),
  }
}
type Witness = ReturnType<typeof witness>

/** A node that publishes into each topic continuously, one message after the other, and listens to all topics. */
async function busyNode(name: string, port: number, seen: Witness) {
  const log: RedisLog = openRedisLog(
    { url: `redis://127.0.0.1:${port}`, history: { maxMessages: 1e6, maxBytes: 1e9 }, onError: () => undefined },
    {},
  )
  onTestFinished(() => log.close())
  const topics = new Map<string, { epoch: string; offset: number; gaps: number; holes: number }>()
  for (const topic of TOPICS) {
    const { head } = await log.tail(topic, (event) => {
      if (event.type === 'epoch')
        return void Object.assign(at, { epoch: event.head.epoch, offset: event.head.offset, gaps: at.gaps + 1 })
      seen.saw(event.epoch, topic, event.entry.offset, event.entry.data)
      if (event.epoch !== at.epoch || event.entry.offset !== at.offset + 1) at.holes++
      at.offset = event.entry.offset
    })
    const at = { epoch: head.epoch, offset: head.offset, gaps: 0, holes: 0 }
    topics.set(topic, at)
  }
  let busy = true
  let sent = 0
  async function publish(topic: string) {
    while (busy) {
      const id = `${name} ${++sent}`
      const data = JSON.stringify(id)
      const { epoch } = topics.get(topic)!
      try {
        const { answer } = await log.append({ topic, data, origin: { session: name, id } })
        // If the epoch changed meanwhile, it is unknown which one the offset belongs to.
        if (answer.type === 'ack' && topics.get(topic)!.epoch === epoch) seen.saw(epoch, topic, answer.offset!, data)
      } catch {
        await new Promise<void>((resolve) => void setTimeout(resolve, 5))
      }
    }
  }
  let publishing: Promise<unknown> = Promise.resolve()
  return {
    log,
    topics,
    start() {
      busy = true
      publishing = Promise.all(TOPICS.map(publish))
    },
    async pause() {
      busy = false
      await publishing
    },
  }
}
type Node = Awaited<ReturnType<typeof busyNode>>

async function settled(nodes: readonly Node[]) {
  await until(() => nodes.every(({ log }) => log.stats().here), 'both are back', 20_000)
  const moved = nodes.map((node) => node.log.stats().appends)
  await until(() => nodes.every((node, at) => node.log.stats().appends > moved[at]! + 20), 'both publish', 20_000)
  for (const node of nodes) await node.pause()
  for (const topic of TOPICS) {
    const head = await nodes[0]!.log.head(topic)
    await until(
      () =>
        nodes.every(
          (node) => node.topics.get(topic)!.epoch === head.epoch && node.topics.get(topic)!.offset === head.offset,
        ),
      'both have heard all',
    )
  }
}

/** What is kept of a topic, read page by page. */
async function allOf(log: RedisLog, topic: string): Promise<string[]> {
  const found: string[] = []
  for (let after = 0; ; ) {
    const { entries } = await log.read(topic, after, ALL)
    if (entries.length === 0) return found
    found.push(...entries.map(({ data }) => data))
    after = entries.at(-1)!.offset
  }
}

const server = async (options: RedisServerOptions) => {
  const redis = await startRedisServer(options)
  onTestFinished(() => redis.close())
  return redis
}
/** A connection to a port that can be cut, restored, and redirected. */
const path = async (to: number) => {
  let port = to
  const relay = createRelay({ target: () => ({ port }) })
  await relay.ready
  onTestFinished(() => relay.close())
  return {
    port: relay.port,
    /** Cuts all connections, and accepts none. */
    cut() {
      relay.refuse(true)
      relay.cut()
    },
    mend: () => relay.refuse(false),
    /** New connections are led to that port. */
    leadTo: (other: number) => void (port = other),
  }
}
type TcpPath = Awaited<ReturnType<typeof path>>
const inSync = (replica: RedisServer) =>
  until(
    async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'),
    'the replica has it all',
    30_000,
  )
const reached = async (redis: RedisServer) =>
  /(?:slave_repl_offset|master_repl_offset):(\d+)/.exec(String(await redis.command('INFO', 'replication')))![1]
const inStep = (one: RedisServer, other: RedisServer) =>
  until(async () => (await reached(one)) === (await reached(other)), 'the replica has it all', 30_000)
const passed = (ms: number) => new Promise<void>((resolve) => void setTimeout(resolve, ms))

interface Scene {
  readonly ways: readonly [TcpPath, TcpPath]
}

async function replicated(persistence: 'always' | 'no') {
  const master = await server({ persistence })
  const link = await path(master.port)
  const replica = await server({
    persistence,
    more: ['--replicaof', '127.0.0.1', `${link.port}`, '--repl-diskless-sync-delay', '0'],
  })
  await inSync(replica)
  return { master, link, replica }
}

const scenes: Record<
  string,
  () => Promise<{ to: number; inStep?(): Promise<void>; lose(): Promise<void>; trouble(scene: Scene): Promise<void> }>
> = {
  async 'a replica takes over'() {
    const { master, link, replica } = await replicated('no')
    return {
      to: master.port,
      inStep: () => inStep(master, replica),
      lose: async () => link.cut(),
      async trouble({ ways }) {
        await master.kill()
        await replica.command('REPLICAOF', 'NO', 'ONE')
        for (const way of ways) way.leadTo(replica.port)
      },
    }
  },
  async 'a replica takes over, and the old master is the master again before any node has seen it'() {
    const { master, link, replica } = await replicated('no')
    return {
      to: master.port,
      inStep: () => inStep(master, replica),
      lose: async () => link.cut(),
      async trouble() {
        await replica.command('REPLICAOF', 'NO', 'ONE')
        await master.command('REPLICAOF', '127.0.0.1', `${replica.port}`)
        await inSync(master)
        await replica.command('REPLICAOF', '127.0.0.1', `${master.port}`)
        await master.command('REPLICAOF', 'NO', 'ONE')
      },
    }
  },
  async 'an older copy is put back, although every write is on disk'() {
    const redis = await server({ persistence: 'always' })
    let copy: Awaited<ReturnType<RedisServer['backup']>>
    return {
      to: redis.port,
      lose: async () => void (copy = await redis.backup()),
      async trouble() {
        await redis.kill()
        await redis.start(copy)
      },
    }
  },
  async 'a replica takes over, and is started anew before any node has joined it'() {
    const { master, link, replica } = await replicated('always')
    return {
      to: master.port,
      inStep: () => inStep(master, replica),
      lose: async () => link.cut(),
      async trouble({ ways }) {
        await master.kill()
        await replica.command('REPLICAOF', 'NO', 'ONE')
        await replica.command('SHUTDOWN').catch(() => undefined)
        await replica.kill()
        await replica.start('kept', 'master')
        for (const way of ways) way.leadTo(replica.port)
      },
    }
  },
}

/** `inStep`: all data has reached the place where it will be looked for. `lose`: whatever comes from now on is lost. */
describe.each(Object.keys(scenes))('%s', (name) => {
  for (const lost of [true, false]) {
    const title = lost
      ? 'with data lost: no number is used for two messages, and each topic has exactly one gap'
      : 'with no data lost: no reader gets a gap'
    test(title, { timeout: ROUNDS * 40_000 }, async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const { to, inStep, lose, trouble } = await scenes[name]!()
        const ways = [await path(to), await path(to)] as const
        const seen = witness()
        const nodes = [
          await busyNode(`one${round}`, ways[0].port, seen),
          await busyNode(`two${round}`, ways[1].port, seen),
        ] as const
        for (const node of nodes) node.start()
        await until(() => nodes.every(({ log }) => log.stats().appends > 50), 'both publish')
        if (lost) {
          await lose()
          const before = nodes.map(({ log }) => log.stats().appends)
          await until(() => nodes.every(({ log }, at) => log.stats().appends > before[at]! + 30), 'both go on')
          for (const way of ways) way.cut()
        } else {
          // Nothing is under way, and the replica has all data.
          for (const node of nodes) await node.pause()
          await inStep?.()
          await lose()
          for (const way of ways) way.cut()
          for (const node of nodes) node.start()
        }
        await trouble({ ways })
        // The node that perhaps knows less comes first.
        ways[round % 2]!.mend()
        await passed(300 * (round % 3))
        ways[(round + 1) % 2]!.mend()
        await settled(nodes)
        expect(seen.ambiguous()).toEqual([])
        const kept = new Set<string>()
        for (const topic of TOPICS) for (const data of await allOf(nodes[0].log, topic)) kept.add(`${topic} ${data}`)
        const missing = (topic: string) =>
          [...seen.all()].filter((one) => one.startsWith(`${topic} `) && !kept.has(one)).length
        for (const topic of TOPICS) {
          expect({ topic, lost: missing(topic) > 0 }).toEqual({ topic, lost })
          for (const node of nodes)
            expect({ topic, ...node.topics.get(topic)! }).toMatchObject({ topic, gaps: lost ? 1 : 0, holes: 0 })
        }
        for (const node of nodes) await node.log.close()
      }
    })
  }
})
