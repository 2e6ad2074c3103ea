import { brief } from './explanation.js'

/**
 * - `closed`: the live socket was closed before this could happen; it did not happen.
 * - `outbox-full`: more is waiting than `outbox.maxMessages` or `outbox.maxBytes` allow; try again when it has drained.
 * - `too-large`: the server takes no frame of that size.
 * - `timeout`: its time ran out before it was sent; it did not happen.
 * - `refused`: the server said no, and why; with `retryAfter` the same may be tried anew later.
 * - `forbidden`: the server does not allow it.
 * - `outcome-unknown`: it was sent, and whether it was applied can no longer be learnt.
 * - `overflow`: a reader of `stream` was too slow, and what it has not read is gone.
 * - `invalid`: an argument, an option or a message is not what it must be; the message says which and why.
 * - `aborted`: its AbortSignal fired before it was sent; it did not happen.
 */
export type LiveSocketErrorCode =
  | 'closed'
  | 'outbox-full'
  | 'too-large'
  | 'timeout'
  | 'refused'
  | 'forbidden'
  | 'outcome-unknown'
  | 'overflow'
  | 'invalid'
  | 'aborted'

export interface LiveSocketErrorDetails {
  readonly topic?: string
  readonly id?: string
  /** Milliseconds after which the same may be tried anew. */
  readonly retryAfter?: number
  /** Why, in a word of the server application's own, or of the server: `error`, `busy`, `unknown-method`, … */
  readonly reason?: string
  /** What the server application said beside it. */
  readonly data?: unknown
  readonly cause?: unknown
}

/**
 * The one error class of LiveSocket. `code` says what happened; `message` also what to do, in the build that pages load
 * in production as a short key, of which `npx livesocket explain` makes the sentence. Where there is a `reason` the
 * `message` is the server's own, word for word, in every build. It never holds a token.
 */
export class LiveSocketError extends Error {
  override readonly name = 'LiveSocketError'
  readonly code: LiveSocketErrorCode
  readonly topic?: string
  readonly id?: string
  readonly retryAfter?: number
  readonly reason?: string
  readonly data?: unknown

  constructor(code: LiveSocketErrorCode, message: string, details: LiveSocketErrorDetails = {}) {
    // What a server says is for users, and told as it is.
    super(
      brief && !details.reason ? `${code} ${message}` : message,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.code = code
    const { cause: _, ...rest } = details
    for (const [name, value] of Object.entries(rest)) if (value !== undefined) Object.assign(this, { [name]: value })
  }
}
