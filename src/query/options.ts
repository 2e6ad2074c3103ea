import type { LiveSocketError } from '../base/errors.js'
import type { MessageInfo } from '../topics/message.js'
import type { QueryClientLike } from './query-client.js'

/** Which query, and what a message makes of its state. */
export interface KeepCurrentOptions<State, Data = unknown, Topic extends string = string> {
  /** The `QueryClient` that has the query. */
  readonly client: QueryClientLike
  /** Of one topic: a key that serves two of them throws `invalid`. The query's data is a `Snapshot` of the state. */
  readonly queryKey: readonly unknown[]
  /**
   * The state with the message in it. It changes nothing of what it is given. One that throws is an `error` event; the
   * state is then as if that message had not come.
   */
  readonly reducer: (state: State, data: Data, message: MessageInfo<Topic>) => State
  /** The server refuses the topic: the query's data stay what they are. Default: an `error` event of the socket. */
  readonly onError?: (error: LiveSocketError) => void
}
