import type { ClientFrame, Position, ServerFrame, TopicAnswer } from '../../src/protocol/frames.js'
import type { Flavour } from './merge-world.js'

/**
 * Two servers over one log that follow the protocol's server rules about topics. The flavour says what they may get
 * wrong.
 */

export const TOPICS = ['a', 'b']

/** A leg as its server sees it: two queues, and the subscribed topics. */
export interface ServedLeg {
  readonly server: number
  readonly up: ClientFrame[]
  readonly down: ServerFrame[]
  readonly subscriptions: Map<string, { cursor: number; told: number }>
}

interface Log {
  epoch: number
  /** By epoch, which offsets (from 1) this client may see. */
  readonly visible: boolean[][]
  oldest: number
}

export interface ModelServersDeps {
  readonly flavour: Flavour
  readonly legs: () => Iterable<ServedLeg>
  readonly yes: (share: number) => boolean
  readonly below: (limit: number) => number
  readonly note: (line: string) => void
}

export const epochName = (epoch: number) => `e${epoch}`

export function createModelServers({ flavour, legs, yes, below, note }: ModelServersDeps) {
  const logs = new Map<string, Log>(TOPICS.map((topic) => [topic, { epoch: 0, visible: [[]], oldest: 1 }]))
  /** How far each server has read each log. */
  const known = [0, 1].map(() => new Map(TOPICS.map((topic) => [topic, { epoch: 0, head: 0 }])))
  let faults = true

  const logOf = (topic: string) => logs.get(topic)!
  const present = (topic: string) => logOf(topic).visible[logOf(topic).epoch]!
  const isLost = (offset: number) =>
    flavour.holes === 'lasting' ? offset % 7 === 3 : flavour.holes === 'passing' && faults && yes(0.08)

  function answer(server: number, topic: string, from: Position | null): TopicAnswer {
    const log = logOf(topic)
    const view = known[server]!.get(topic)!
    if (from && (from.epoch !== epochName(view.epoch) || from.offset > view.head)) tail(server, topic, Infinity)
    const start = !from ? view.head : from.epoch === epochName(view.epoch) ? Math.min(from.offset, view.head) : 0
    const kept = view.epoch === log.epoch ? log.oldest - 1 : 0
    const after = from && flavour.history[server] ? Math.max(start, Math.min(kept, view.head)) : view.head
    return { epoch: epochName(view.epoch), offset: view.head, after }
  }

  function begin(leg: ServedLeg, topic: string, { offset, after }: TopicAnswer) {
    leg.subscriptions.set(topic, { cursor: after, told: after })
    feed(leg, topic, offset)
  }

  function feed(leg: ServedLeg, topic: string, to: number) {
    const subscription = leg.subscriptions.get(topic)!
    const { epoch } = known[leg.server]!.get(topic)!
    const visible = logOf(topic).visible[epoch]!
    for (let offset = subscription.cursor + 1; offset <= to; offset++) {
      const before = offset === 1 ? 0 : visible.lastIndexOf(true, offset - 2) + 1
      if (visible[offset - 1]) {
        const prev = flavour.hidden ? (yes(0.5) ? Math.max(before, subscription.told) : before) : offset - 1
        if (!isLost(offset))
          leg.down.push({
            type: 'message',
            topic,
            offset,
            prev,
            data: `${topic}/${epochName(epoch)}/${offset}`,
            hasData: true,
          })
        subscription.told = offset
      } else if (offset === to || yes(0.5)) {
        leg.down.push({ type: 'message', topic, offset, prev: yes(0.5) ? subscription.told : before, hasData: false })
        subscription.told = offset
      }
    }
    subscription.cursor = Math.max(subscription.cursor, to)
  }

  /** The server reads further in the log, and passes on what it finds. */
  function tail(server: number, topic: string, most: number) {
    const log = logOf(topic)
    const view = known[server]!.get(topic)!
    const readers = [...legs()].filter((leg) => leg.server === server && leg.subscriptions.has(topic))
    if (view.epoch !== log.epoch) {
      view.epoch = log.epoch
      view.head = present(topic).length
      const named = {
        epoch: epochName(view.epoch),
        offset: view.head,
        after: flavour.history[server] ? log.oldest - 1 : view.head,
      }
      for (const leg of readers) {
        leg.down.push({ type: 'subscribed', topics: new Map([[topic, named]]) })
        begin(leg, topic, named)
      }
      return
    }
    view.head = Math.min(present(topic).length, view.head + most)
    for (const leg of readers) feed(leg, topic, view.head)
  }

  function tailAll(topics: readonly string[] = TOPICS) {
    for (const server of [0, 1]) for (const topic of topics) tail(server, topic, Infinity)
  }

  return {
    tail,
    tailAll,
    head: (topic: string) => present(topic).length,
    epoch: (topic: string) => epochName(logOf(topic).epoch),
    epochs: (topic: string) => logOf(topic).visible.length,
    sees: (topic: string, epoch: string, offset: number) =>
      logOf(topic).visible[Number(epoch.slice(1))]?.[offset - 1] === true,

    /** Takes the next frame of the leg. */
    serve(leg: ServedLeg) {
      const frame = leg.up.shift()!
      if (frame.type === 'unsubscribe') for (const topic of frame.topics) leg.subscriptions.delete(topic)
      if (frame.type !== 'hello' && frame.type !== 'subscribe') return
      const topics = new Map<string, TopicAnswer>()
      for (const [topic, from] of frame.topics) {
        leg.subscriptions.delete(topic)
        if (!(flavour.omits && faults && yes(0.3)))
          topics.set(topic, answer(leg.server, topic, from as Position | null))
        else if (frame.type === 'subscribe' && yes(0.5))
          leg.down.push({ type: 'error', code: 'busy', message: 'later', topic, id: frame.id, retryAfter: 100 })
      }
      leg.down.push(
        frame.type === 'hello'
          ? { type: 'welcome', server: `n${leg.server}`, topics }
          : { type: 'subscribed', id: frame.id, topics },
      )
      for (const [topic, named] of topics) begin(leg, topic, named)
    },

    publish(topic: string) {
      for (let i = yes(0.3) ? 3 : 1; i > 0; i--) present(topic).push(!flavour.hidden || yes(0.6))
      note(`publish ${topic} up to ${epochName(logOf(topic).epoch)}:${present(topic).length}`)
      if (!flavour.lag) tailAll([topic])
    },

    trim(topic: string) {
      const log = logOf(topic)
      const safe = Math.min(
        ...known.map((server) => (server.get(topic)!.epoch === log.epoch ? server.get(topic)!.head : 0)),
      )
      log.oldest = Math.max(log.oldest, Math.min(safe, log.oldest + 1 + below(3)))
      note(`trim ${topic}: the oldest is ${log.oldest}`)
    },

    renumber(topic: string) {
      const log = logOf(topic)
      log.epoch = log.visible.push([]) - 1
      log.oldest = 1
      note(`the epoch of ${topic} is ${epochName(log.epoch)}`)
      if (!flavour.lag) tailAll([topic])
    },

    /** From here on only lasting faults remain. */
    endFaults: () => void (faults = false),

    /** One more message that every client may see, and that is not lost. */
    publishLast(topic: string) {
      do present(topic).push(true)
      while (isLost(present(topic).length))
    },
  }
}
