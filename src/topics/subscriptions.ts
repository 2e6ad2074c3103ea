import type { LiveSocketError } from '../base/errors.js'
import type { Last, Position, TopicRequest } from '../protocol/frames.js'
import { reaches } from '../protocol/position.js'
import type { Merge } from './merge-contract.js'
import type { MessageInfo } from './message.js'

/**
 * The status of a subscribed topic: not answered yet, served, or refused by the server. A refusal with a `retryAfter`
 * is temporary, and the topic is requested again.
 */
export type TopicStatus = 'pending' | 'live' | LiveSocketError

/** `before`: the previous status. It equals `status` for a handler that is added when the topic is already refused. */
export type StatusWatch = (status: TopicStatus, before: TopicStatus) => void

export type MessageHandler = (data: unknown, info: MessageInfo) => void

/** The handler of code that only needs a topic's position and none of its messages. A refusal does not concern it. */
export const nobody: MessageHandler = () => {}

export interface SubscriptionsHandlers {
  /** The merge of the current session. It is asked for what handlers want, and knows the position of each topic. */
  readonly merge: Pick<Merge, 'position' | 'subscribe' | 'unsubscribe'>
  /** A handler threw. The other handlers were called all the same, and the message counts as delivered. */
  threw(error: unknown, topic: string): void
}

/**
 * Calling it removes the handler. The topic is unsubscribed after the running code, unless another handler was added by
 * then; and at once if the topic was refused.
 */
export interface Subscription {
  (): void
  /**
   * The handler has had everything that it wanted up to here. Null: it is not known yet where its 'from now on' begins.
   */
  position(): Position | null
}

/** The receivers of a session's messages and of what its server says about topics. */
export interface Readers {
  deliver(data: unknown, info: MessageInfo): void
  /**
   * The active leg serves the topic, and named this as its head, where handlers added 'from now on' in the meantime
   * begin. Null: the protocol does not answer subscriptions.
   */
  answered(topic: string, head: Position | null): void
  /** The server refuses the topic. False: handlers have it subscribed, and none of them watches the status. */
  refused(topic: string, error: LiveSocketError): boolean
  /** No leg serves any more, so every topic's status is `pending` again. */
  unserved(): void
  /** For a new session: every handler begins as if it were added now, after its `from` or from now on. */
  restart(): void
}

/**
 * Many handlers per topic, each with its own position: two parts of a page may want one topic from different positions.
 */
export interface Subscriptions extends Readers {
  /**
   * Passes every message after `from`, or after the topic's current position, to `handler` once. Returns the undo.
   * `watch` is called when the topic's status changes, and soon after adding if the topic is already refused. `once`:
   * in a later session the handler does not begin at `from` again.
   */
  add(topic: string, handler: MessageHandler, watch?: StatusWatch, from?: Position | Last, once?: boolean): Subscription
  /** Undefined: the topic is not subscribed. */
  status(topic: string): TopicStatus | undefined
  /** Where a handler that is added now with 'from now on' begins; null while that is not known yet. */
  position(topic: string): Position | null
}

class Subscriber {
  /**
   * The handler has had, or does not want, everything up to here. `epoch` is null while it is not known where 'from now
   * on' begins, and undefined while the handler takes whatever comes first.
   */
  epoch: string | null | undefined = null
  offset = 0
  removed = false
  /** Set once the subscriber has its undo. */
  watch: StatusWatch | undefined

  constructor(
    readonly handler: MessageHandler,
    readonly from: TopicRequest,
  ) {}

  get seen(): Position | null {
    return this.epoch ? { epoch: this.epoch, offset: this.offset } : null
  }
  set seen(place: TopicRequest) {
    this.epoch = place === null ? null : place.epoch
    this.offset = place?.offset ?? 0
  }
}

interface SubscribedTopic {
  /** A new array with each handler added or removed: a delivery in progress runs over the old one. */
  subscribers: readonly Subscriber[]
  /** Whether a leg has answered since the topic was requested, first or from further back. */
  answered: boolean
  /** A message is being delivered, which not every handler has had. */
  telling: boolean
  /** The topic's position before it went back. */
  served: Position | null
  status: TopicStatus
}

export function createSubscriptions(handlers: SubscriptionsHandlers): Subscriptions {
  return new TopicSubscriptions(handlers)
}

class TopicSubscriptions implements Subscriptions {
  readonly #topics = new Map<string, SubscribedTopic>()
  /** The number of sessions that have ended. */
  #ended = 0
  readonly #handlers: SubscriptionsHandlers

  constructor(handlers: SubscriptionsHandlers) {
    this.#handlers = handlers
  }

  deliver(data: unknown, info: MessageInfo) {
    const { topic: name, epoch, offset } = info
    const topic = this.#topics.get(name)
    if (!topic) return
    const { subscribers } = topic
    const ended = this.#ended
    topic.telling = true
    // By index: an iterator would be one more object per message. If a handler signs out, the loop ends: the former
    // user's messages are for no other user.
    for (let at = 0; at < subscribers.length && ended === this.#ended; at++) {
      const subscriber = subscribers[at]!
      if (subscriber.removed || (subscriber.epoch === epoch && offset <= subscriber.offset)) continue
      subscriber.epoch = epoch
      subscriber.offset = offset
      const { handler } = subscriber
      try {
        handler(data, info)
      } catch (error) {
        this.#handlers.threw(error, name)
      }
    }
    topic.telling = false
  }

  add(name: string, handler: MessageHandler, watch?: StatusWatch, from?: Position | Last, once = false): Subscription {
    const start = from ?? null
    const subscriber = new Subscriber(handler, once ? null : start)
    subscriber.seen = start
    const { merge } = this.#handlers
    const present = merge.position(name)
    const known = this.#topics.get(name)
    const topic = known ?? this.#begin(name)
    const isBehind = from !== undefined && known !== undefined && !reaches(from, present)
    if (isBehind && topic.answered) {
      // The other handlers do not get again what is replayed for this one. The message being delivered may still be due
      // for some of them.
      topic.served = furthest(topic.served, present)
      const heard = present && topic.telling ? { ...present, offset: present.offset - 1 } : present
      // Handlers that wait for their `last` messages have no position to advance.
      for (const other of topic.subscribers) if (other.epoch !== undefined) other.seen = furthest(other.seen, heard)
      topic.answered = false
    }
    if (from === undefined && known) subscriber.seen = this.#nowOf(name, topic)
    topic.subscribers = topic.subscribers.concat(subscriber)
    if (!known || isBehind) merge.subscribe(name, start)
    subscriber.watch = watch
    if (typeof topic.status === 'object') queueMicrotask(() => this.#tell(name, topic, subscriber, topic.status))

    const remove = () => this.#remove(name, topic, subscriber)
    // While the topic goes back for another handler, or delivers to another handler first, its position says nothing
    // about this one.
    const position = () =>
      subscriber.removed || !topic.answered || topic.telling
        ? subscriber.seen
        : furthest(subscriber.seen, this.#handlers.merge.position(name))
    return Object.assign(remove, { position })
  }

  #begin(name: string): SubscribedTopic {
    const topic: SubscribedTopic = { subscribers: [], answered: false, telling: false, served: null, status: 'pending' }
    this.#topics.set(name, topic)
    return topic
  }

  #remove(name: string, topic: SubscribedTopic, subscriber: Subscriber) {
    if (subscriber.removed) return
    subscriber.removed = true
    topic.subscribers = topic.subscribers.filter((one) => one !== subscriber)
    const giveUp = () => {
      if (topic.subscribers.length > 0 || this.#topics.get(name) !== topic) return
      this.#topics.delete(name)
      this.#handlers.merge.unsubscribe(name)
    }
    // A handler that is added again at once, as in a StrictMode or hot-reload remount, finds the topic still
    // subscribed. A refused topic is unsubscribed at once, so that it is requested anew: otherwise code that subscribes
    // again on each refusal would get the same refusal in an endless loop that blocks everything else.
    if (typeof topic.status === 'object') giveUp()
    else queueMicrotask(giveUp)
  }

  position(name: string): Position | null {
    const topic = this.#topics.get(name)
    return topic ? this.#nowOf(name, topic) : null
  }

  #nowOf(name: string, topic: SubscribedTopic): Position | null {
    return topic.answered ? furthest(topic.served, this.#handlers.merge.position(name)) : topic.served
  }

  status(name: string): TopicStatus | undefined {
    return this.#topics.get(name)?.status
  }

  answered(name: string, head: Position | null) {
    const topic = this.#topics.get(name)
    if (!topic) return
    if (head) {
      topic.answered = true
      for (const subscriber of topic.subscribers) if (subscriber.epoch === null) subscriber.seen = head
    }
    this.#turn(name, topic, 'live')
  }

  refused(name: string, error: LiveSocketError): boolean {
    const topic = this.#topics.get(name)
    if (!topic) return true
    // A watcher may remove handlers.
    const readers = topic.subscribers.filter(({ handler }) => handler !== nobody)
    // Several legs may report the same refusal. Only the first is a change.
    if (String(topic.status) !== String(error)) this.#turn(name, topic, error)
    return readers.length === 0 || readers.some(({ watch }) => watch)
  }

  unserved() {
    for (const [name, topic] of this.#topics) this.#turn(name, topic, 'pending')
  }

  #turn(name: string, topic: SubscribedTopic, status: TopicStatus) {
    if (status === topic.status) return
    const before = topic.status
    topic.status = status
    for (const subscriber of topic.subscribers) this.#tell(name, topic, subscriber, before)
  }

  #tell(name: string, { status }: SubscribedTopic, { watch, removed }: Subscriber, before: TopicStatus) {
    try {
      if (!removed) watch?.(status, before)
    } catch (error) {
      this.#handlers.threw(error, name)
    }
  }

  restart() {
    this.#ended++
    for (const [name, topic] of this.#topics) {
      topic.answered = false
      topic.served = null
      this.#turn(name, topic, 'pending')
      for (const subscriber of topic.subscribers) subscriber.seen = subscriber.from
      const froms = topic.subscribers.flatMap(({ from }) => from ?? [])
      for (const from of froms.length > 0 ? froms : [null]) this.#handlers.merge.subscribe(name, from)
    }
  }
}

/**
 * The later of two positions. Under different epochs they cannot be compared, and the second one, which is current,
 * counts.
 */
function furthest(before: Position | null, present: Position | null): Position | null {
  return !present || reaches(before, present) ? before : present
}
