import type { FailureCode } from './failure.js'

/** Which leg it is about, as far as that is known. */
export interface LegName {
  /** Both from its hello on, which may say anything before it is welcomed. */
  readonly session?: string
  readonly leg?: number
  /** Whose it is, where `authenticate` has named one. */
  readonly subject?: string
  /** The address that it comes from: see `trustedProxies`. */
  readonly address?: string
}

/** What happens on a server, for its log: one flat object each, without any token or message. */
export type ServerEvent =
  | (LegName & {
      readonly type: 'leg-welcomed'
      readonly session: string
      readonly leg: number
      readonly handover?: string
    })
  /** The server closes a leg; without `session` it never said who it is. */
  | (LegName & { readonly type: 'leg-failed'; readonly code: FailureCode; readonly message: string })
  /**
   * The session sends more than `limits.messagesPerSecond` or `limits.bytesPerSecond`, and some of it is refused. Once
   * for a leg.
   */
  | (LegName & { readonly type: 'leg-over-rate'; readonly session: string; readonly leg: number })
  | (LegName & { readonly type: 'leg-gone' })
  | { readonly type: 'drain-started'; readonly legs: number; readonly reason: string }
  /**
   * Nobody else takes those that were asked to hand over: none has gone, and they only come back here. `left` are still
   * to go.
   */
  | { readonly type: 'drain-alone'; readonly left: number }
  /**
   * The deadline, in so many milliseconds, cannot be met: `left` legs take `needs` at the pace at which they leave;
   * null: none leaves. Once for a drain, as soon as it shows.
   */
  | { readonly type: 'drain-late'; readonly left: number; readonly deadline: number; readonly needs: number | null }
  | { readonly type: 'drain-finished'; readonly moved: number; readonly forced: number }
  | { readonly type: 'drain-cancelled'; readonly left: number }
  /**
   * A request that did not become a WebSocket. Browsers do not tell their pages why: only the server can. `path` is
   * without the query.
   */
  | {
      readonly type: 'upgrade-refused'
      readonly status: number
      readonly reason: 'origin' | 'path' | 'subprotocol' | 'handshake' | 'too-many'
      readonly path: string
      readonly origin?: string
      readonly address?: string
    }
