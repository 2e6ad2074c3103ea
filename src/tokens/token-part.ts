import type { Clock, Random } from '../base/clock.js'
import type { Tabs } from '../host/tabs.js'
import type { TokenResult } from '../policy/token-answer.js'
import type { TokenReason } from '../policy/token-news.js'

/**
 * The application's source of tokens. If it throws, the failure counts as temporary. `signal` fires when the answer is
 * no longer wanted.
 */
export type GetToken = (ask: { reason: TokenReason; signal: AbortSignal; attempt: number }) => Promise<TokenResult>

export interface TokenRefreshOptions {
  /** Fractions of the lifetime between which a token is refreshed. Default 0.5 to 0.9. */
  from?: number
  to?: number
  /** The lifetime of a token that does not state its own, in milliseconds. Default 10 min. */
  lifetime?: number
  /**
   * How long one call may take before it counts as failed and is repeated, in milliseconds; a later answer is still
   * used. Default 10 s.
   */
  timeout?: number
}

export interface TokenState {
  readonly status: 'none' | 'valid' | 'refreshing' | 'stale' | 'ended'
  /** Wall-clock milliseconds since 1970, for display only; no decision depends on them. */
  readonly refreshAt: number | null
  readonly expiresAt: number | null
}

export interface TokenKeeperHandlers {
  /**
   * A new token is in force, whether fetched here, received from another tab or pushed: send it in-band, or hand over.
   */
  fresh(token: string): void
  state(state: TokenState): void
  refreshed(event: { reason: TokenReason; lifetime: number }): void
  failed(event: { reason: TokenReason; error: unknown; retryIn: number }): void
  /**
   * Called once with the reason: `signed-out` (in another tab), `session-expired` (`sessionTtl` reached),
   * `subject-changed`, `token-refused` (two refusals in a row), or the `ended` that the provider returned.
   */
  ended(reason: string): void
}

export interface TokenKeeper {
  /**
   * Resolves with a token for a dial: at once if one is in force, since a reconnection is no reason to fetch; otherwise
   * with the next one, however many calls that takes. `undefined` if there is no provider. Rejects as `closed`, or with
   * the reason of `signal`.
   */
  token(signal: AbortSignal): Promise<string | undefined>
  /** A server accepted a leg with `token`; `ttl`: the milliseconds that the server says are left. */
  accepted(token: string | undefined, ttl?: number): void
  /** A server refused a leg as unauthorized with `token`. */
  rejected(token: string | undefined): void
  /** The server asks for a new token early. */
  request(): void
  /** The server offers a token. */
  push(token: string, ttl?: number): void
  /** What an application's function threw, without anything that would reveal a token; `who` names the function. */
  redactedError(thrown: unknown, who: string): unknown
  /** Tokens will be requested again. False: the login session has ended meanwhile, in another tab. */
  open(): boolean
  /** Checks what has changed in other tabs and in the network. Cheap; call it at every frame. */
  lookIfChanged(): void
  /** The page goes into the back/forward cache: other tabs must not wait for a page that stands still. */
  suspend(): void
  /**
   * Ends the login session in every tab; the others receive `reason`, by default `signed-out`. Nothing that arrives
   * later revives it.
   */
  signOut(reason?: string): void
  /**
   * Makes no calls until `open` or `token` is called. The token in force is kept, and so is the backoff of failed
   * calls.
   */
  rest(): void
}

export interface TokenKeeperDeps {
  clock: Clock
  random: Random
  getToken?: GetToken | undefined
  tokenRefresh: TokenRefreshOptions & { readonly timeout: number }
  online: () => boolean
  hidden: () => boolean
  tabs?: Tabs | undefined
  /**
   * Tabs with the same key share one token, so the key must distinguish users and token services. Without a key nothing
   * is shared.
   */
  key?: string | null | undefined
}
