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

/** A provider that has not answered by then is told to stop, and counts as failed. Milliseconds. */
export const PROVIDER_LIMIT = 10_000

/** Calls a token provider once. Always resolves, at the latest after `PROVIDER_LIMIT`, or when `call` is aborted. */
export function callTokenProvider(
  getToken: GetToken,
  ask: { reason: TokenReason; attempt: number },
  call: AbortController,
  clock: Clock,
): Promise<TokenCallOutcome> {
  return new Promise((resolve) => {
    const failed = (error: unknown) => resolve({ kind: 'failed', error })
    const cancel = clock.setTimeout(() => {
      failed(new LiveSocketError('timeout', `getToken had not answered after ${PROVIDER_LIMIT / 1_000} s and was told to stop by its signal`))
      call.abort()
    }, PROVIDER_LIMIT)
    call.signal.addEventListener('abort', () => {
      cancel()
      failed(call.signal.reason)
    })
    // Within an async function a provider that throws at once is one that rejects.
    void (async () => outcomeOf(await getToken({ ...ask, signal: call.signal })))().then(resolve, failed).then(cancel)
  })
}

function outcomeOf(result: unknown): TokenCallOutcome {
  const answer = readTokenAnswer(result)
  switch (answer.kind) {
    case 'invalid':
      return { kind: 'failed', error: answer.error }
    case 'later': {
      const { retryAfter } = answer
      const error = new LiveSocketError('refused', 'getToken asked to be left alone for a while', { retryAfter })
      return { kind: 'failed', error, retryAfter }
    }
    default:
      return answer
  }
}
