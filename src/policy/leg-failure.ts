import { brief, explain } from '../base/explanation.js'
import type { Close, Verdict } from './close-verdict.js'

/** Why nothing serves, for people to read. */
export interface Failure {
  /** A code of the protocol's `error` frames, or one of ours: see `LastError`. */
  readonly code: string
  readonly message: string
  /** What to check. */
  readonly hint?: string
}

/** How a leg ends that was opened and never ready. */
export const NO_WELCOME = 'no welcome in time'

/** `url` is where it was dialled, without the query; empty where the application gave no address. */
export interface FailedLeg extends Pick<Close, 'code' | 'reason' | 'error' | 'welcomed'> {
  readonly url: string
}

/**
 * Why a leg that served, or was to serve, is no more. `verdict` is what its close means, `origin` the page's, where
 * there is one.
 */
export function legFailure(
  { code, reason, error, welcomed, url }: FailedLeg,
  verdict: Verdict,
  origin?: string,
): Failure {
  const said = error?.message || reason || `closed with ${code}`
  const wait = error?.retryAfter === undefined ? '' : ` (retryAfter ${error.retryAfter} ms)`
  return {
    code: error?.code ?? codeOf(verdict, welcomed),
    message: `${url}: ${said}${wait}`,
    // A browser tells neither the HTTP status nor why nothing answered: what is left is to say what to look at.
    ...(!brief &&
      !error &&
      !welcomed &&
      // Where nobody was asked there is nothing to look at but what this client was given.
      code !== 0 && {
        hint:
          reason === NO_WELCOME
            ? explain`It is connected, but no word of being ready came. Does this server speak that protocol? With words of your own: leave out ping and pong where it does not answer them, and see that ready knows its answer.`
            : explain`Server up? Path? allowedOrigins (${origin ?? 'none here'})? Run npx livesocket doctor ${url}`,
      }),
  }
}

function codeOf(verdict: Verdict, welcomed: boolean): string {
  if (verdict.do === 'stop') return verdict.by
  if (verdict.do === 'renew-token') return 'unauthorized'
  return verdict.bad ? 'protocol' : welcomed ? 'lost' : 'unreachable'
}
