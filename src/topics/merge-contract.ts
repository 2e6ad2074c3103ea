import type { Clock, Present } from '../base/clock.js'
import type { MessageFrame, Position, TopicAnswers, TopicRequest, TopicRequests } from '../protocol/frames.js'
import type { MessageInfo } from './message.js'
import type { Gap } from './gap.js'

/**
 * `deliver` and `gap` come one at a time, never one inside another: what a handler causes by calling back is told after
 * it has returned.
 */
export interface MergeHandlers {
  deliver(data: unknown, info: MessageInfo): void
  gap(gap: Gap): void
  /** Please send this `subscribe` on the active leg. */
  subscribe(leg: number, id: string, topics: TopicRequests): void
  unsubscribe(leg: number, topics: readonly string[]): void
  /** The active leg, and the bytes of the largest frame that its server reads. */
  readonly serving: { readonly maxFrame?: number | undefined } | null
  /**
   * More is held than may be. True: a standby leg was dropped for it. False: there is none, and the held ones will be
   * asked for again.
   */
  overflow(): boolean
  invalid(topic: string, reason: string): void
  /**
   * The active leg named the topic and this head: there begins who came 'from now' since the topic was last asked for.
   * Null: it serves the topic, by a protocol that has no answers to subscriptions.
   */
  answered?(topic: string, head: Position | null): void
}

/** Several legs in, one sequence per topic out: client rule 4. */
export interface Merge {
  /**
   * First interest in a topic; or later, with a position below its present one (or in another epoch), or with `last`:
   * goes back there. It never goes on to a later one: somebody may still want what is before.
   */
  subscribe(topic: string, from: TopicRequest): void
  unsubscribe(topic: string): void
  /** What is subscribed or given up in one turn of the clock is gathered. Says it now: before something else is sent. */
  ask?(): void
  /** What the `hello` of this new leg is to ask. What it has no room for is asked for once it is ready. */
  hello(leg: number): TopicRequests
  /**
   * The leg's `welcome` arrived: it is the active one now, and the former active one is the old leg. `refused`: topics
   * of errors before it.
   */
  ready(leg: number, topics: TopicAnswers, refused: Pick<ReadonlySet<string>, 'has'>): void
  subscribed(leg: number, id: string | undefined, topics: TopicAnswers): void
  /**
   * An `error` with a topic. `retryAfter`: it may be asked for again, so much later. `id`: that of the `subscribe`,
   * where the error bore it.
   */
  refused(leg: number, topic: string, retryAfter: number | undefined, id?: string): void
  message(leg: number, frame: MessageFrame): void
  /** The leg was closed or died. If it was the active one and the old one lives, the old one serves again. */
  gone(leg: number): void
  /** Client rule 6: nothing that is wanted is still to come on the old leg only. */
  caughtUp(): boolean
  position(topic: string): Position | null
  readonly held: { readonly messages: number; readonly bytes: number }
  /** Counted since the start. */
  stats(): { duplicates: number; held: number; gaps: number }
  stop(): void
}

export interface MergeDeps {
  readonly clock: Clock
  /** Looked at before something is told that no frame has just brought. */
  readonly present?: Present
  readonly id: () => string
  /** How long the old leg may bring nothing of what the active leg lacks, in milliseconds. */
  readonly gapTimeout: number
  /** Bounds of what is held over all topics, in messages and in estimated bytes. */
  readonly maxMessages: number
  readonly maxBytes: number
}
