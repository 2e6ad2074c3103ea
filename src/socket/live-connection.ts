/// <reference lib="esnext.disposable" preserve="true" />
import type { LiveSocketEvents } from '../handover/events.js'
import type { LiveSocketStats } from './stats.js'
import type { LiveSocketState, ReadableStore } from './store.js'

/** A connection that hands over, whatever it is there for. */
export interface LiveConnection {
  /** Dials. After `signOut()` or the session's end it begins a new session. While connected it does nothing. */
  connect(): void
  /**
   * Lets go of everything at once: unsent publishes settle as `closed`, sent ones as `outcome-unknown`. The server is
   * told 1000, or the code.
   */
  close(code?: number, reason?: string): void
  /** As `close`, and the token is forgotten, in every tab. No byte leaves with it from here on. */
  signOut(): void
  /**
   * Hands over to a new leg now. Resolves when the old one is gone; rejects with `timeout` where no other leg could be had
   * in 30 s, and the one that served still does. Where none serves it does not wait out the next dial's delay, and
   * resolves when a leg serves, however long that takes. Rejects with `closed` where the socket is closed, or is meanwhile.
   */
  handover(): Promise<void>
  /** As `close()`, at the end of a `using` block. */
  [Symbol.dispose](): void
  /** The state, for whoever renders it: status, handover, token, outbox, why it is not live. */
  readonly store: ReadableStore<LiveSocketState>
  /** Tells one kind of event; returns the undo. A listener that throws keeps no other from being told. */
  on<Type extends keyof LiveSocketEvents>(type: Type, listener: (event: LiveSocketEvents[Type]) => void): () => void
  /** Counts since the session began. */
  stats(): LiveSocketStats
}
