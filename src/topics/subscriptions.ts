import type { LiveSocketError } from '../base/errors.js'
import type { Last, Position, TopicRequest } from '../protocol/frames.js'
import { reaches } from '../protocol/position.js'
import type { Merge } from './merge-contract.js'
import type { MessageInfo } from './message.js'

/**
 * Of a topic that somebody has subscribed: not answered yet, served, or refused by the server; with a `retryAfter` only
 * for now, and it is asked for again.
 */
export type TopicStatus = 'pending' | 'live' | LiveSocketError

/** `before`: the one that it had; the same for who comes where the topic is refused by then. */
export type StatusWatch = (status: TopicStatus, before: TopicStatus) => void

export type MessageHandler = (data: unknown, info: MessageInfo) => void

/** The handler of who wants to learn where a topic is, and nothing of it: a refusal is no news to it. */
export const nobody: MessageHandler = () => {}

export interface SubscriptionsHandlers {
  /** Of the present session: it is asked for what handlers want, and knows where each topic is. */
  readonly merge: Pick<Merge, 'position' | 'subscribe' | 'unsubscribe'>
  /** A handler threw. The others were told all the same, and the message counts as told. */
  threw(error: unknown, topic: string): void
}

/**
 * Called, it removes the handler. The topic is given up behind what runs now, unless somebody has come to it by then,
 * and at once where it was refused.
 */
export interface Subscription {
  (): void
  /** Everything that this handler wanted up to here it has had. Null: it is not known yet where its 'now' is. */
  position(): Position | null
}

/** For whom a session's messages are, and what its server says of topics. */
export interface Readers {
  deliver(data: unknown, info: MessageInfo): void
  /**
   * The active leg serves the topic, and named this as its head: there begins who came 'from now' meanwhile. Null: its
   * protocol has no answers to subscriptions.
   */
  answered(topic: string, head: Position | null): void
  /** The server will not give the topic. False: somebody has it subscribed, and none of them watches. */
  refused(topic: string, error: LiveSocketError): boolean
  /** No leg serves any more: what was said of topics is no news by now. */
  unserved(): void
  /** In a new session every handler begins as if it were added by now: after its `from`, or from now on. */
  restart(): void
}

/**
 * Many handlers a topic, each with its own place in it: two parts of a page may want one topic from different
 * positions.
 */
export interface Subscriptions extends Readers {
  /**
   * Every message after `from`, or after where the topic is by now, goes to `handler` once. Returns the undo. `watch` is
   * told when the topic's status is another one, and soon of a refusal from before. `once`: in a later session it does
   * not begin at `from` again.
   */
  add(topic: string, handler: MessageHandler, watch?: StatusWatch, from?: Position | Last, once?: boolean): Subscription
  /** Undefined: nobody has it subscribed. */
  status(topic: string): TopicStatus | undefined
  /** Where a handler that is added now, and 'from now on', begins; null while that is still to be learnt. */
  position(topic: string): Position | null
}

class Subscriber {
  /**
   * It has had, or does not want, what is up to here. `epoch` is null while it waits to learn where 'now' is, and
   * undefined while whatever comes first is for it.
   */
  epoch: string | null | undefined = null
  offset = 0
  removed = false
  /** From when it has its undo. */
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
  /** Another array with each that comes or goes: who is being told is told to its end. */
  subscribers: readonly Subscriber[]
  /** Whether a leg has answered since the topic was asked for, first or from further back. */
  answered: boolean
  /** A message is being told, which not everybody has had. */
  telling: boolean
  /** Where the topic was before it went back. */
  served: Position | null
  status: TopicStatus
}

export function createSubscriptions(handlers: SubscriptionsHandlers): Subscriptions {
  return new TopicSubscriptions(handlers)
}

class TopicSubscriptions implements Subscriptions {
  readonly #topics = new Map<string, SubscribedTopic>()
  /** How many sessions have ended. */
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
    // By number: an iterator would be one more object with each message. And where one of them signs out, what was the
    // former user's is nobody else's.
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
      // The others are not told again what comes again for this one. What is just being told they may have still to hear.
      topic.served = furthest(topic.served, present)
      const heard = present && topic.telling ? { ...present, offset: present.offset - 1 } : present
      // Nor is it theirs who still wait for the last ones.
      for (const other of topic.subscribers) if (other.epoch !== undefined) other.seen = furthest(other.seen, heard)
      topic.answered = false
    }
    if (from === undefined && known) subscriber.seen = this.#nowOf(name, topic)
    topic.subscribers = topic.subscribers.concat(subscriber)
    if (!known || isBehind) merge.subscribe(name, start)
    subscriber.watch = watch
    if (typeof topic.status === 'object') queueMicrotask(() => this.#tell(name, topic, subscriber, topic.status))

    const remove = () => this.#remove(name, topic, subscriber)
    // While the topic goes back for another one, or tells another one first, its position says nothing about this one.
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
    // Who comes back at once, as in a StrictMode or a hot-reload remount, finds the topic still subscribed. One that was
    // refused is asked for anew: who tries again when told so would be told the same without end, and nothing else run.
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
    // Who is told may leave.
    const readers = topic.subscribers.filter(({ handler }) => handler !== nobody)
    // One leg after the other may say the same: that is no news.
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

/** The later one of two. Under different epochs nothing compares: then it is the second one, which is the present. */
function furthest(before: Position | null, present: Position | null): Position | null {
  return !present || reaches(before, present) ? before : present
}
