import type { FailureCode } from './failure.js'

/** Which leg an event is about, as far as that is known. */
export interface LegName {
  /** Both are known from the `hello` on. Until the leg is welcomed they are the client's unchecked claim. */
  readonly session?: string
  readonly leg?: number
  /** The subject that `authenticate` named for the leg, if it named one. */
  readonly subject?: string
  /** The address that the leg comes from: see `trustedProxies`. */
  readonly address?: string
}

/** What happens on a server, for its log. Each event is one flat object, without tokens or messages. */
export type ServerEvent =
  | (LegName & {
      readonly type: 'leg-welcomed'
      readonly session: string
      readonly leg: number
      readonly handover?: string
    })
  /** The server closes a leg. Without `session`, the leg never sent a `hello`. */
  | (LegName & { readonly type: 'leg-failed'; readonly code: FailureCode; readonly message: string })
  /**
   * The session sends more than `limits.messagesPerSecond` or `limits.bytesPerSecond`, and some of it is refused.
   * Reported once for a leg.
   */
  | (LegName & { readonly type: 'leg-over-rate'; readonly session: string; readonly leg: number })
  | (LegName & { readonly type: 'leg-gone' })
  | { readonly type: 'drain-started'; readonly legs: number; readonly reason: string }
  /**
   * No other server takes the legs that were asked to hand over: none has left, and their clients only come back here.
   * `left` legs have yet to leave.
   */
  | { readonly type: 'drain-alone'; readonly left: number }
  /**
   * The deadline, which is `deadline` milliseconds away, cannot be met. The `left` legs need `needs` milliseconds at
   * the rate at which they leave; null if none leaves. Reported once for a drain, as soon as it is foreseeable.
   */
  | { readonly type: 'drain-late'; readonly left: number; readonly deadline: number; readonly needs: number | null }
  | { readonly type: 'drain-finished'; readonly moved: number; readonly forced: number }
  | { readonly type: 'drain-cancelled'; readonly left: number }
  /**
   * A request that did not become a WebSocket. Browsers do not tell their pages why; only the server can. `path` has no
   * query.
   */
  | {
      readonly type: 'upgrade-refused'
      readonly status: number
      readonly reason: 'origin' | 'path' | 'subprotocol' | 'handshake' | 'too-many'
      readonly path: string
      readonly origin?: string
      readonly address?: string
    }
