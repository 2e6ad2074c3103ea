import { explain } from '../base/explanation.js'
import type { Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { readTokenAnswer, type TokenResult } from '../policy/token-answer.js'
import type { TokenReason } from '../policy/token-news.js'

/** The application's source of tokens. A throw is transient; `signal` fires when the answer is no longer wanted. */
export type GetToken = (ask: { reason: TokenReason; signal: AbortSignal; attempt: number }) => Promise<TokenResult>

export type TokenCallOutcome =
  | { readonly kind: 'token'; readonly token: string; readonly ttl?: number; readonly sessionTtl?: number }
  | { readonly kind: 'ended'; readonly reason: string }
  | { readonly kind: 'failed'; readonly error: unknown; readonly retryAfter?: number }
  /** Not answered in time. An answer may still come, to `late`. */
  | { readonly kind: 'slow'; readonly error: unknown }

/**
 * How long a provider may take by default before it is asked again, in milliseconds: beyond what a healthy service
 * needs, retries included.
 */
export const PROVIDER_LIMIT = 10_000

export interface TokenCall {
  readonly reason: TokenReason
  readonly attempt: number
  /** Milliseconds after which it counts as `slow`. */
  readonly limit: number
  /** Aborted where the answer is not wanted any more. */
  readonly call: AbortController
  /** What comes after the limit and while it is still wanted. */
  late(outcome: TokenCallOutcome): void
}

/** Calls a token provider once. Always resolves, at the latest at the limit, or when `call` is aborted. */
export function callTokenProvider(
  getToken: GetToken,
  { reason, attempt, limit, call, late }: TokenCall,
  clock: Clock,
): Promise<TokenCallOutcome> {
  return new Promise((resolve) => {
    let over = false
    const settle = (outcome: TokenCallOutcome) => {
      cancel()
      if (over) late(outcome)
      over = true
      resolve(outcome)
    }
    const failed = (error: unknown): TokenCallOutcome => {
      const retryAfter = error instanceof LiveSocketError ? error.retryAfter : undefined
      return { kind: 'failed', error, retryAfter }
    }
    const cancel = clock.setTimeout(() => {
      const message = explain`getToken had not answered after ${limit / 1_000} s (tokenRefresh.timeout) and is asked again; an answer that still comes before that is used`
      settle({ kind: 'slow', error: new LiveSocketError('timeout', message) })
    }, limit)
    call.signal.addEventListener('abort', () => settle(failed(call.signal.reason)), { once: true })
    // Within an async function a provider that throws at once is one that rejects.
    void (async () => outcomeOf(await getToken({ reason, attempt, signal: call.signal })))()
      .catch(failed)
      .then((outcome) => {
        if (!call.signal.aborted) settle(outcome)
      })
  })
}

function outcomeOf(result: unknown): TokenCallOutcome {
  const answer = readTokenAnswer(result)
  return answer.ended === undefined ? { kind: 'token', ...answer } : { kind: 'ended', reason: answer.ended }
}
