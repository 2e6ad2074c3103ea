import { brief } from './explanation.js'

/**
 * - `closed`: the live socket was closed before this could happen; it did not happen.
 * - `outbox-full`: more is waiting than `outbox.maxMessages` or `outbox.maxBytes` allow; try again when the outbox has
 *   drained.
 * - `too-large`: the server accepts no frame of that size.
 * - `timeout`: the time limit passed before it was sent; it did not happen.
 * - `refused`: the server refused it and says why; if there is a `retryAfter`, the same may be tried again later.
 * - `forbidden`: the server does not allow it.
 * - `outcome-unknown`: it was sent, and whether it was applied can no longer be learnt.
 * - `overflow`: a reader of `stream` was too slow, and the messages that it had not read are lost.
 * - `invalid`: an argument, an option or a message is not valid; the message says which and why.
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
  /** Milliseconds after which the same may be tried again. */
  readonly retryAfter?: number
  /** The reason as one word, chosen by the server application or by the server: `error`, `busy`, `unknown-method`, … */
  readonly reason?: string
  /** Data that the server application sent with the refusal. */
  readonly data?: unknown
  readonly cause?: unknown
}

/**
 * The only error class of LiveSocket. `code` says what happened; `message` also says what to do. In the build that
 * pages load in production `message` is a short key, which `npx livesocket explain` turns into the sentence. If there
 * is a `reason`, `message` is the server's own text, word for word, in every build. It never contains a token.
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
    // A server's text is meant for users and stays as it is.
    super(
      brief && !details.reason ? `${code} ${message}` : message,
      details.cause === undefined ? undefined : { cause: details.cause },
    )
    this.code = code
    const { cause: _, ...rest } = details
    for (const [name, value] of Object.entries(rest)) if (value !== undefined) Object.assign(this, { [name]: value })
  }
}
