import type { LiveSocketError } from '../base/errors.js'
import type { MessageInfo } from '../topics/message.js'
import type { QueryClientLike } from './query-client.js'

/** Which query is kept current, and how a message changes its state. */
export interface KeepCurrentOptions<State, Data = unknown, Topic extends string = string> {
  /** The `QueryClient` that has the query. */
  readonly client: QueryClientLike
  /**
   * The key of one query, for one topic: a key for two topics throws `invalid`. The query's data is a `Snapshot` of the
   * state.
   */
  readonly queryKey: readonly unknown[]
  /**
   * Returns the state with the message in it, and must not change its arguments. If it throws, that is an `error`
   * event, and the state stays as if that message had not come.
   */
  readonly reducer: (state: State, data: Data, message: MessageInfo<Topic>) => State
  /**
   * Called when the server refuses the topic; the query's data stay as they are. Default: an `error` event of the
   * socket.
   */
  readonly onError?: (error: LiveSocketError) => void
}
