import type { LiveSocketError } from '../base/errors.js'
import type { Gap } from '../topics/gap.js'
import type { Last, Position } from '../protocol/frames.js'
import type { SocketOf } from './register.js'

/** The options of every topic hook. Functions may be new in every render: the latest ones are called. */
export interface TopicOptions<Topics extends object> {
  /** False: the topic is not subscribed, as with a topic of `null`. Default true. */
  readonly enabled?: boolean
  /** Start after this position, or with the last n messages that are kept (`{ last: 50 }`), instead of now. */
  readonly from?: Position | Last
  /** Called when messages of this topic are missing and will not come, before the next message. */
  readonly onGap?: (gap: Gap) => void
  /**
   * Called when the server refuses the topic: no message of it comes, and the hook's value stays as it is. An error
   * with a `retryAfter` is a temporary refusal: the topic is requested again automatically.
   */
  readonly onError?: (error: LiveSocketError) => void
  /** The socket to use instead of the nearest provider's. */
  readonly socket?: SocketOf<Topics>
}
