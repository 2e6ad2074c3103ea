import { expect, test } from 'vitest'
import type { ClientFrame, ServerFrame, TopicAnswer } from '../../src/protocol/frames.js'
import { createMerge } from '../../src/topics/merge.js'
import { createSubscriptions } from '../../src/topics/subscriptions.js'
import { createStepClock } from '../kit/step-clock.js'
import { seededRandom } from '../kit/seeded-random.js'

/*
 * Readers that join for the last messages, from a position or from now on, and leave, also within handlers and while
 * answers are reported, over legs that are dialled, hand over and die. Both servers have all messages, so each reader
 * must get everything from its start on, once and in order.
 */

const TOPICS = ['a', 'b']
const EPOCH = 'e'

interface Connection {
  readonly number: number
  readonly up: ClientFrame[]
  readonly down: ServerFrame[]
  /** How far each topic has been delivered. */
  readonly fed: Map<string, number>
}

interface Reader {
  readonly topic: string
  readonly last: number
  readonly after: number | null
  readonly got: number[]
  leave: (() => void) | null
}

function play(seed: number): string | null {
  const random = seededRandom(seed)
  const yes = (share: number) => random() < share
  const below = (limit: number) => Math.floor(random() * limit)
  const pick = <T>(all: readonly T[]): T | undefined => all[below(all.length)]
  const turns: (() => void)[] = []
  const clock = Object.assign(createStepClock(), { turn: (task: () => void) => void turns.push(task) })
  const heads = new Map(TOPICS.map((topic) => [topic, below(8)]))
  const connections = new Map<number, Connection>()
  const readers: Reader[] = []
  let active: Connection | null = null
  let old: Connection | null = null
  let dials = 0
  let ids = 0
  let quiet = false
  let failure: string | null = null
  const fail = (text: string) => void (failure ??= text)

  const merge = createMerge(
    { clock, id: () => `s${++ids}`, gapTimeout: 250, maxMessages: 1_000, maxBytes: 1e6 },
    {
      deliver: (data, info) => subscriptions.deliver(data, info),
      gap: ({ topic }) => fail(`a gap in ${topic}, of which every server has everything`),
      subscribe: (leg, id, topics) => void connections.get(leg)?.up.push({ type: 'subscribe', id, topics }),
      unsubscribe: (leg, topics) => void connections.get(leg)?.up.push({ type: 'unsubscribe', topics }),
      serving: null,
      overflow: () => false,
      invalid: (topic, reason) => fail(`invalid ${topic}: ${reason}`),
      answered(topic, head) {
        subscriptions.answered(topic, head)
        if (yes(0.1)) come()
      },
    },
  )
  const subscriptions = createSubscriptions({ merge, threw: (error) => fail(String(error)) })

  function come() {
    if (quiet || readers.filter(({ leave }) => leave).length > 6) return
    const topic = yes(0.6) ? 'a' : 'b'
    const last = yes(0.6) ? 1 + below(5) : 0
    const after = last === 0 && yes(0.4) ? below(heads.get(topic)! + 1) : null
    const reader: Reader = { topic, last, after, got: [], leave: null }
    readers.push(reader)
    const from = last > 0 ? { last } : after === null ? undefined : { epoch: EPOCH, offset: after }
    const handler = (_data: unknown, { offset }: { readonly offset: number }) => {
      const before = reader.got.at(-1)
      if (before !== undefined && offset !== before + 1) fail(`${offset} came after ${before}`)
      reader.got.push(offset)
      if (yes(0.05)) come()
    }
    reader.leave = subscriptions.add(topic, handler, undefined, from)
  }

  // The servers, and the legs to them.

  function feed({ fed, down }: Connection, topic: string) {
    const head = heads.get(topic)!
    for (let offset = (fed.get(topic) ?? head) + 1; offset <= head; offset++)
      down.push({ type: 'message', topic, offset, prev: offset - 1, data: offset, hasData: true })
    if (fed.has(topic)) fed.set(topic, head)
  }

  function publish(topic: string) {
    heads.set(topic, heads.get(topic)! + 1)
    for (const connection of connections.values()) feed(connection, topic)
  }

  function serve(connection: Connection) {
    const frame = connection.up.shift()
    if (frame?.type === 'unsubscribe') for (const topic of frame.topics) connection.fed.delete(topic)
    if (frame?.type !== 'hello' && frame?.type !== 'subscribe') return
    const topics = new Map<string, TopicAnswer>()
    for (const [topic, from] of frame.topics) {
      const head = heads.get(topic)!
      const after = !from ? head : from.last === undefined ? Math.min(from.offset, head) : Math.max(0, head - from.last)
      topics.set(topic, { epoch: EPOCH, offset: head, after })
      connection.fed.set(topic, after)
    }
    connection.down.push(
      frame.type === 'hello' ? { type: 'welcome', server: 's', topics } : { type: 'subscribed', id: frame.id, topics },
    )
    for (const topic of topics.keys()) feed(connection, topic)
  }

  function dial() {
    const number = ++dials
    const hello: ClientFrame = { type: 'hello', session: 's', leg: number, topics: merge.hello(number) }
    connections.set(number, { number, up: [hello], down: [], fed: new Map() })
  }

  function end(connection: Connection) {
    connections.delete(connection.number)
    if (connection === active) active = old
    if (connection === old || active === old) old = null
    merge.gone(connection.number)
  }

  function receive(connection: Connection) {
    const frame = connection.down.shift()
    if (frame?.type === 'welcome') {
      old = active
      active = connection
      merge.ready(connection.number, frame.topics, new Set())
    } else if (frame?.type === 'subscribed') merge.subscribed(connection.number, frame.id, frame.topics)
    else if (frame?.type === 'message') merge.message(connection.number, frame)
    while (turns.length > 0) turns.shift()!()
  }

  function step() {
    const open = [...connections.values()]
    const kind = random()
    if (kind < 0.2) publish(pick(TOPICS)!)
    else if (kind < 0.5) open.filter(({ down }) => down.length > 0).some((one) => yes(0.5) && (receive(one), true))
    else if (kind < 0.68) open.filter(({ up }) => up.length > 0).some((one) => yes(0.5) && (serve(one), true))
    else if (kind < 0.76 && open.length < 2) dial()
    else if (kind < 0.8 && old && merge.caughtUp()) end(old)
    else if (kind < 0.84 && open.length > 0) end(pick(open)!)
    else if (kind < 0.93) come()
    else if (kind < 0.95) {
      const reader = pick(readers.filter(({ leave }) => leave))
      reader?.leave?.()
      if (reader) reader.leave = null
    } else clock.advance(300)
    while (turns.length > 0) turns.shift()!()
  }

  for (let count = 0; count < 120 && !failure; count++) step()
  // From here on nothing fails and no reader joins.
  quiet = true
  for (const topic of TOPICS) publish(topic)
  for (let round = 0; round < 200 && !failure; round++) {
    if (connections.size === 0) dial()
    if (old && merge.caughtUp()) end(old)
    for (const connection of connections.values()) {
      while (connection.up.length > 0) serve(connection)
      while (connection.down.length > 0) receive(connection)
    }
    clock.advance(300)
  }
  for (const topic of TOPICS) publish(topic)
  for (const connection of connections.values()) while (connection.down.length > 0) receive(connection)
  for (const { topic, last, after, got, leave } of readers) {
    const head = heads.get(topic)!
    const [first = Infinity] = got
    if (!leave) continue
    if (got.at(-1) !== head) fail(`who reads ${topic} ends at ${got.at(-1)}, and its head is ${head}`)
    if (last > 0 && head - first + 1 < Math.min(head, last)) fail(`of the last ${last} there came only ${got.length}`)
    if (after !== null && first > after + 1) fail(`who wanted what is after ${after} began with ${first}`)
  }
  return failure
}

test('over random legs each subscriber gets every message from its position on, once and in order, while others come and go', () => {
  for (let seed = 1; seed <= 1_500; seed++) expect(play(seed), `seed ${seed}`).toBeNull()
})
