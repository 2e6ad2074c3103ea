import type { LiveSocketError } from '../base/errors.js'
import type { Position } from '../protocol/frames.js'

export interface SubscribedMessage {
  readonly topic: string
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
  /** Which leg brought it, counted from 1. */
  readonly leg: number
  /** It existed already when that leg was subscribed. */
  readonly replayed: boolean
}

/** Of a topic that somebody has subscribed: not answered yet, served, or refused by the server for good. */
export type TopicStatus = 'pending' | 'live' | LiveSocketError

export type MessageHandler = (message: SubscribedMessage) => void

export interface SubscriptionsHandlers {
  /** Where a topic is by now, as the merge has it. */
  position(topic: string): Position | null
  /** The first handler of a topic came: from a position, or (null) from now on. */
  first(topic: string, from: Position | null): void
  /** The last one left. */
  last(topic: string): void
  /** One wants the topic from before its present position, or under another epoch. */
  rewind(topic: string, from: Position): void
  /** A handler threw. The others were told all the same, and the message counts as told. */
  threw(error: unknown, topic: string): void
}

/** Called, it removes the handler. */
export interface Subscription {
  (): void
  /** Everything that this handler wanted up to here it has had. Null: it is not known yet where its 'now' is. */
  position(): Position | null
}

/**
 * Many handlers a topic, each with its own place in it: two parts of a page may want one topic from different
 * positions.
 */
export interface Subscriptions {
  /**
   * Every message after `from`, or after where the topic is by now, goes to `handler` once. Returns the undo. `once`:
   * in a later session it does not begin there again. `watch` is told when the topic's status is another one, and soon
   * of a refusal from before.
   */
  add(
    topic: string,
    handler: MessageHandler,
    from?: Position,
    once?: boolean,
    watch?: (status: TopicStatus) => void,
  ): Subscription
  status(topic: string): TopicStatus
  /** Where a handler that is added now, and 'from now on', begins; null while that is still to be learnt. */
  position(topic: string): Position | null
  deliver(message: SubscribedMessage): void
  /** The active leg named the topic, and this as its head: there begins who came 'from now' meanwhile. */
  answered(topic: string, head: Position): void
  /** The server will not give the topic. False: somebody has it subscribed, and none of them watches. */
  refused(topic: string, error: LiveSocketError): boolean
  /** Whether a leg serves by now: what another one said of topics is no news any more. */
  served(serves: boolean): void
  /** In a new session every handler begins as if it were added by now: after its `from`, or from now on. */
  restart(): void
  /** Handlers over all topics. */
  readonly count: number
}

interface Subscriber {
  readonly handler: MessageHandler
  readonly watch: ((status: TopicStatus) => void) | undefined
  readonly from: Position | null
  /** It has had, or does not want, what is up to here. Null: it waits to learn where 'now' is. */
  seen: Position | null
  removed: boolean
}

interface Topic {
  readonly subscribers: Set<Subscriber>
  /** Whether a leg has answered since the topic was asked for, first or from further back. */
  answered: boolean
  /** Where the topic was before it went back. */
  served: Position | null
  status: TopicStatus
}

/** `answers`: the protocol has answers to subscriptions. Where it has none, a topic is live as soon as a leg serves. */
export function createSubscriptions(handlers: SubscriptionsHandlers, answers = true): Subscriptions {
  const topics = new Map<string, Topic>()
  let count = 0
  let serving = false

  function nowOf(name: string, topic: Topic): Position | null {
    return topic.answered ? furthest(topic.served, handlers.position(name)) : topic.served
  }

  function turn(name: string, topic: Topic, status: TopicStatus) {
    if (status === topic.status) return
    topic.status = status
    for (const subscriber of [...topic.subscribers]) tell(name, topic, subscriber)
  }

  function tell(name: string, { status }: Topic, { watch, removed }: Subscriber) {
    try {
      if (!removed) watch?.(status)
    } catch (error) {
      handlers.threw(error, name)
    }
  }

  return {
    add(name, handler, from, once = false, watch) {
      const subscriber: Subscriber = {
        handler,
        watch,
        from: once ? null : (from ?? null),
        seen: from ?? null,
        removed: false,
      }
      const present = handlers.position(name)
      let topic = topics.get(name)
      const isFirst = !topic
      if (!topic)
        topics.set(
          name,
          (topic = {
            subscribers: new Set(),
            answered: false,
            served: null,
            status: serving && !answers ? 'live' : 'pending',
          }),
        )
      const isBehind = from !== undefined && !isFirst && !(present && reaches(from, present))
      if (isBehind && topic.answered) {
        // The others are not told again what comes again for this one.
        topic.served = furthest(topic.served, present)
        for (const other of topic.subscribers) other.seen = furthest(other.seen, present)
        topic.answered = false
      }
      if (from === undefined && !isFirst) subscriber.seen = nowOf(name, topic)
      topic.subscribers.add(subscriber)
      count++
      if (isFirst) handlers.first(name, from ?? null)
      else if (isBehind) handlers.rewind(name, from)
      if (!isFirst && typeof topic.status === 'object') queueMicrotask(() => tell(name, topic, subscriber))

      const remove = () => {
        if (subscriber.removed) return
        subscriber.removed = true
        count--
        topic.subscribers.delete(subscriber)
        if (topic.subscribers.size > 0) return
        topics.delete(name)
        handlers.last(name)
      }
      // While the topic goes back for another one, its position says nothing about this one.
      const position = () =>
        subscriber.removed || !topic.answered ? subscriber.seen : furthest(subscriber.seen, handlers.position(name))
      return Object.assign(remove, { position })
    },

    position(name) {
      const topic = topics.get(name)
      return topic ? nowOf(name, topic) : null
    },

    status: (name) => topics.get(name)?.status ?? 'pending',

    deliver(message) {
      const { topic, epoch, offset } = message
      // A copy: who is added in a handler is not told what is being told.
      for (const subscriber of [...(topics.get(topic)?.subscribers ?? [])]) {
        const { seen } = subscriber
        if (subscriber.removed || (seen && seen.epoch === epoch && offset <= seen.offset)) continue
        subscriber.seen = { epoch, offset }
        try {
          subscriber.handler(message)
        } catch (error) {
          handlers.threw(error, topic)
        }
      }
    },

    answered(name, head) {
      const topic = topics.get(name)
      if (!topic) return
      topic.answered = true
      for (const subscriber of topic.subscribers) subscriber.seen ??= head
      turn(name, topic, 'live')
    },

    refused(name, error) {
      const topic = topics.get(name)
      if (!topic) return true
      // Who is told may leave.
      const watched = [...topic.subscribers].some(({ watch }) => watch)
      // One leg after the other may say the same: that is no news.
      if (String(topic.status) !== String(error)) turn(name, topic, error)
      return watched
    },

    served(serves) {
      serving = serves
      for (const [name, topic] of topics) {
        if (!serves) turn(name, topic, 'pending')
        else if (!answers && topic.status === 'pending') turn(name, topic, 'live')
      }
    },

    restart() {
      for (const [name, topic] of topics) {
        topic.answered = false
        topic.served = null
        turn(name, topic, 'pending')
        for (const subscriber of topic.subscribers) subscriber.seen = subscriber.from
        const froms = [...topic.subscribers].flatMap(({ from }) => from ?? [])
        const [first = null] = froms
        handlers.first(name, first)
        // The merge goes by itself only to what is before its position.
        for (const from of froms) if (!reaches(from, first!)) handlers.rewind(name, from)
      }
    },

    get count() {
      return count
    },
  }
}

function reaches(a: Position, b: Position): boolean {
  return a.epoch === b.epoch && a.offset >= b.offset
}

/** The later one of two. Under different epochs nothing compares: then it is the second one, which is the present. */
function furthest(before: Position | null, present: Position | null): Position | null {
  return before && (!present || reaches(before, present)) ? before : present
}
