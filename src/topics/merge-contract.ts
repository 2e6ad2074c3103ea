import type { Clock, Present } from '../base/clock.js'
import type { MessageFrame, Position, TopicAnswers, TopicRequest, TopicRequests } from '../protocol/frames.js'
import type { MessageInfo } from './message.js'
import type { Gap } from './gap.js'

/**
 * `deliver` and `gap` are called one at a time, never nested: what a handler causes by calling back is reported after
 * it has returned.
 */
export interface MergeHandlers {
  deliver(data: unknown, info: MessageInfo): void
  gap(gap: Gap): void
  /** Must send this `subscribe` on the active leg. */
  subscribe(leg: number, id: string, topics: TopicRequests): void
  unsubscribe(leg: number, topics: readonly string[]): void
  /** The active leg's largest frame that its server accepts, in bytes; null if no leg serves. */
  readonly serving: { readonly maxFrame?: number | undefined } | null
  /**
   * More is held than allowed. True: a standby leg was dropped for it. False: there is none, and the held messages will
   * be discarded and requested again.
   */
  overflow(): boolean
  invalid(topic: string, reason: string): void
  /**
   * The active leg named the topic and this head. Subscribers that joined 'from now on' since the topic was last
   * requested begin there. Null: the leg serves the topic, with a protocol that does not answer subscriptions.
   */
  answered?(topic: string, head: Position | null): void
}

/** Merges several legs into one sequence per topic: client rule 4. */
export interface Merge {
  /**
   * Subscribes the topic. A later call with a position below the present one, with another epoch, or with `last` goes
   * back to there. It never skips ahead, since another subscriber may still want what lies before.
   */
  subscribe(topic: string, from: TopicRequest): void
  unsubscribe(topic: string): void
  /**
   * Subscribes and unsubscribes of one turn of the clock are gathered. This sends them now, ahead of something else.
   */
  ask?(): void
  /** What the `hello` of this new leg requests. Topics for which it has no room are requested once the leg is ready. */
  hello(leg: number): TopicRequests
  /**
   * The leg's `welcome` arrived: it is the active leg now, and the previous active leg is the old one. `refused`:
   * topics of errors that arrived before it.
   */
  ready(leg: number, topics: TopicAnswers, refused: Pick<ReadonlySet<string>, 'has'>): void
  subscribed(leg: number, id: string | undefined, topics: TopicAnswers): void
  /**
   * An `error` with a topic. `retryAfter`: the topic may be requested again after so many milliseconds. `id`: that of
   * the `subscribe`, if the error had one.
   */
  refused(leg: number, topic: string, retryAfter: number | undefined, id?: string): void
  message(leg: number, frame: MessageFrame): void
  /** The leg was closed or died. If it was the active leg and the old leg lives, the old leg serves again. */
  gone(leg: number): void
  /** Client rule 6: no wanted message is still to come on the old leg only. */
  caughtUp(): boolean
  position(topic: string): Position | null
  readonly held: { readonly messages: number; readonly bytes: number }
  /** Counts since the start. */
  stats(): { duplicates: number; held: number; gaps: number }
  stop(): void
}

export interface MergeDeps {
  readonly clock: Clock
  /** Read before something is reported that no arriving frame has caused. */
  readonly present?: Present
  readonly id: () => string
  /** How long the old leg may bring nothing of what the active leg lacks, in milliseconds. */
  readonly gapTimeout: number
  /** The most that may be held over all topics, in messages and in estimated bytes. */
  readonly maxMessages: number
  readonly maxBytes: number
}
