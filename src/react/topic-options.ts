import type { LiveSocketError } from '../base/errors.js'
import type { Gap } from '../topics/gap.js'
import type { Last, Position } from '../protocol/frames.js'
import type { SocketOf } from './register.js'

/** What every hook of a topic takes. Functions may be new in every render: the latest ones are called. */
export interface TopicOptions<Topics extends object> {
  /** False: the topic is not subscribed, as with a topic of `null`. Default true. */
  readonly enabled?: boolean
  /** Start after this position, or with the last so many messages that are kept (`{ last: 50 }`), instead of now. */
  readonly from?: Position | Last
  /** Messages of this topic are missing and will not come: told before the next one. */
  readonly onGap?: (gap: Gap) => void
  /**
   * The server refuses the topic: nothing of it will come, and what the hook gives stays as it is. With a `retryAfter`
   * it does so for now, and the topic is asked for again by itself.
   */
  readonly onError?: (error: LiveSocketError) => void
  /** Instead of the nearest provider's. */
  readonly socket?: SocketOf<Topics>
}
