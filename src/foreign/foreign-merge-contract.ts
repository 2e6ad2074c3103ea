import type { Clock } from '../base/clock.js'
import type { Position, TopicRequests } from '../protocol/frames.js'
import type { MessageInfo } from '../topics/message.js'

/** How a server's messages can be recognised on two legs. It decides what an overlap can promise. */
export type MergeStrength = 'position' | 'identity' | 'none'

export interface ForeignMergeDeps {
  readonly clock: Clock
  readonly id: () => string
  readonly strength: MergeStrength
  /**
   * How the end of an overlap by identity is found. `fence`: the server says so, or answers a ping. `match`: nothing
   * marks it, for servers that begin to serve a new leg at an unknown time. Both legs then live for the whole overlap
   * limit, and a sequence switches to the new leg when the old one has not brought within `gapTimeout` what the new one
   * has.
   */
  readonly end: 'fence' | 'match'
  /** The fence takes the old leg's topics away. If that leg serves again, it is asked for them anew. Default false. */
  readonly leaves?: boolean
  /** The shortest overlap, in milliseconds: until then the old leg is not asked whether it has more. Default 0. */
  readonly leastOverlap?: number
  readonly gapTimeout: number
  readonly maxMessages: number
  readonly maxBytes: number
}

export interface ForeignMergeHandlers {
  deliver(data: unknown, info: MessageInfo): void
  gap(gap: {
    topic: string
    epoch: string
    from: number | null
    to: number | null
    reason: 'trimmed' | 'epoch' | 'lost'
  }): void
  subscribe(leg: number, id: string, topics: TopicRequests): void
  unsubscribe(leg: number, topics: readonly string[]): void
  /**
   * Sends the leg a request to leave. `drained` must be called once everything that its server sent before has arrived.
   */
  send(leg: number, frame: { readonly type: 'leave' }): void
  /** The held messages exceed their bound. Returns true if a standby leg was dropped to make room. */
  overflow(): boolean
  /** A subscription 'from now' begins at `head`. Null: the topic is served, and its position is not known yet. */
  answered?(topic: string, head: Position | null): void
}
