import type { Clock } from '../base/clock.js'
import type { Position, TopicRequests } from '../protocol/frames.js'
import type { MessageInfo } from '../topics/message.js'

/** How a server's messages can be told apart on two legs, and so what an overlap is worth. */
export type MergeStrength = 'position' | 'identity' | 'none'

export interface ForeignMergeDeps {
  readonly clock: Clock
  readonly id: () => string
  readonly strength: MergeStrength
  /**
   * What ends an overlap by identity. `fence`: a word of the server's or an answered ping. `match`: nothing does, for
   * servers that begin to serve a new leg at some moment of their own: both legs live for the whole overlap limit, and a
   * sequence goes over to the new one when the old one has not brought in `gapTimeout` what the new one has.
   */
  readonly end: 'fence' | 'match'
  /** The fence takes the old leg's topics from it: should it serve again, it is asked for them anew. Default false. */
  readonly leaves?: boolean
  /** Milliseconds for which the old leg is not asked whether it has more. Default 0. */
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
  /** Please send that leg this: `drained` is to be called once everything that its server had sent by then has arrived. */
  send(leg: number, frame: { readonly type: 'leave' }): void
  /** More is held than may be. True: a standby leg was dropped for it. */
  overflow(): boolean
  /** There begins who came 'from now' on. Null: that is not known yet, and the topic is served. */
  answered?(topic: string, head: Position | null): void
}
