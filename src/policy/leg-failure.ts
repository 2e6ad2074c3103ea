import { brief, explain } from '../base/explanation.js'
import type { Close, Verdict } from './close-verdict.js'

/** Why no leg serves, for people to read. */
export interface Failure {
  /** A code of the protocol's `error` frames, or one of the client's own: see `LastError`. */
  readonly code: string
  readonly message: string
  /** What to check. */
  readonly hint?: string
}

/** The close reason of a leg that opened and was not ready in time. */
export const NO_WELCOME = 'no welcome in time'

/** `url` is the dialled URL, without the query; empty if the application gave no address. */
export interface FailedLeg extends Pick<Close, 'code' | 'reason' | 'error' | 'welcomed'> {
  readonly url: string
}

/**
 * Why a leg that served, or was about to, has ended. `verdict` is what its close means; `origin` is the page's, if
 * there is one.
 */
export function legFailure(failed: FailedLeg, verdict: Verdict, origin?: string): Failure {
  const { error, welcomed, url } = failed
  const said = error?.message || failed.reason || `closed with ${failed.code}`
  const wait = error?.retryAfter === undefined ? '' : ` (retryAfter ${error.retryAfter} ms)`
  const code = error?.code ?? codeOf(verdict, welcomed)
  const hint = brief ? undefined : hintFor(code, failed, origin)
  return { code, message: `${url}: ${said}${wait}`, ...(hint && { hint }) }
}

/** A browser reveals neither the HTTP status nor why nothing answered, so a hint can only say what to check. */
function hintFor(code: string, { code: close, reason, error, welcomed, url }: FailedLeg, origin?: string) {
  if (code === 'unauthorized')
    return explain`authenticate refused the token, or it has expired. Is it made for this server: key, issuer, audience, clock? If it expires: give getToken, which is called for a new one`
  if (code === 'draining')
    return explain`That server is shutting down, and the next dial uses the configured address. If this persists: a balancer still leads to that server (does it check the server's readiness?), or nothing has replaced it`
  // If no server was dialled, only what this client was given can be wrong.
  if (error || welcomed || close === 0) return undefined
  return reason === NO_WELCOME
    ? explain`The socket opened, but the server did not say that it is ready. Does it speak this protocol? In a rawProtocol: leave out ping and pong if it does not answer them, and check that ready recognises its answer.`
    : explain`Server up? Path? allowedOrigins (${origin ?? 'none here'})? Run npx livesocket doctor ${url}`
}

function codeOf(verdict: Verdict, welcomed: boolean): string {
  if (verdict.do === 'stop') return verdict.by
  if (verdict.do === 'renew-token') return 'unauthorized'
  return verdict.bad ? 'protocol' : welcomed ? 'lost' : 'unreachable'
}
