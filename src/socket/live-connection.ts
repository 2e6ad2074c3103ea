/// <reference lib="esnext.disposable" preserve="true" />
import type { LiveSocketEvents } from '../handover/events.js'
import type { LiveSocketStats } from './stats.js'
import type { LiveSocketState, ReadableStore } from './store.js'

/** A connection that hands over between legs, whatever it carries. */
export interface LiveConnection {
  /** Dials. After `signOut()` or the end of the session it begins a new session. Does nothing while connected. */
  connect(): void
  /**
   * Closes everything at once: unsent publishes settle as `closed`, sent ones as `outcome-unknown`. The server receives
   * close code 1000, or `code`.
   */
  close(code?: number, reason?: string): void
  /** Closes like `close()`, and forgets the token in every tab. From then on nothing is sent with that token. */
  signOut(): void
  /**
   * Hands over to a new leg now. Resolves when the old leg is gone. Rejects with `timeout` if no other leg could be had
   * within 30 s; the old leg then still serves. While no leg serves, the next dial does not wait out its delay, and the
   * promise resolves when a leg serves, however long that takes. Rejects with `closed` if the socket is closed, or is
   * closed meanwhile.
   */
  handover(): Promise<void>
  /** Calls `close()` at the end of a `using` block. */
  [Symbol.dispose](): void
  /** The state, for rendering: status, handover, token, outbox, why the socket is not live. */
  readonly store: ReadableStore<LiveSocketState>
  /**
   * Calls `listener` for each event of this type. Returns a function that removes it. One that throws stops no other.
   * Throws `invalid` for an event that does not exist, in Node and in development builds: the production build is silent.
   */
  on<Type extends keyof LiveSocketEvents>(type: Type, listener: (event: LiveSocketEvents[Type]) => void): () => void
  /** Counts since the session began. */
  stats(): LiveSocketStats
}
