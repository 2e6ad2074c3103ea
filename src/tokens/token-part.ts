import type { Clock, Random } from '../base/clock.js'
import type { Tabs } from '../host/tabs.js'
import type { TokenResult } from '../policy/token-answer.js'
import type { TokenReason } from '../policy/token-news.js'

/** The application's source of tokens. A throw is transient; `signal` fires when the answer is no longer wanted. */
export type GetToken = (ask: { reason: TokenReason; signal: AbortSignal; attempt: number }) => Promise<TokenResult>

export interface TokenRefreshOptions {
  /** Fractions of the lifetime between which a token is refreshed. Default 0.5 to 0.9. */
  from?: number
  to?: number
  /** Milliseconds that a token is taken to live which does not say so itself. Default 10 min. */
  lifetime?: number
  /**
   * How long one call may take before it counts as failed and is repeated, in milliseconds; a later answer is used all
   * the same. Default 10 s.
   */
  timeout?: number
}

export interface TokenState {
  readonly status: 'none' | 'valid' | 'refreshing' | 'stale' | 'ended'
  /** Wall-clock milliseconds since 1970, to be shown; nothing is decided by them. */
  readonly refreshAt: number | null
  readonly expiresAt: number | null
}

export interface TokenKeeperHandlers {
  /** A new token is in force, fetched here, by another tab or pushed: send it in-band, or hand over. */
  fresh(token: string): void
  state(state: TokenState): void
  refreshed(event: { reason: TokenReason; lifetime: number }): void
  failed(event: { reason: TokenReason; error: unknown; retryIn: number }): void
  /**
   * Told once: `signed-out` (in another tab), `session-expired` (`sessionTtl` reached), `subject-changed`,
   * `token-refused` (two in a row), or what the provider gave as `ended`.
   */
  ended(reason: string): void
}

export interface TokenKeeper {
  /**
   * A token for a dial: the one in force at once, since a reconnection is no reason to fetch; else the next one,
   * however many calls that takes. `undefined` where there is no provider. Rejects as `closed`, or with what `signal` was aborted with.
   */
  token(signal: AbortSignal): Promise<string | undefined>
  /** A server took a leg with `token`; `ttl`: the milliseconds that it says are left. */
  accepted(token: string | undefined, ttl?: number): void
  /** A server refused a leg as unauthorized with `token`. */
  rejected(token: string | undefined): void
  /** The server asks for a new token before its time. */
  request(): void
  /** The server offers a token. */
  push(token: string, ttl?: number): void
  /** What an application's function threw, without what would tell a token; `who` names the function. */
  redactedError(thrown: unknown, who: string): unknown
  /** Somebody is going to ask for tokens again. False: the login session has ended meanwhile, in another tab. */
  open(): boolean
  /** Looks at what other tabs and the network say by now. Cheap; call it at every frame. */
  lookIfChanged(): void
  /** The page is stored: another tab that waits for a turn need not wait for a page that stands still. */
  suspend(): void
  /**
   * Ends the login session in every tab; the others are told `reason`, by default `signed-out`. Nothing that comes
   * later revives it.
   */
  signOut(reason?: string): void
  /**
   * Calls nobody until `open`, or until `token` is asked for. The token in force is kept, and so is what the provider's
   * failures taught.
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
   * Tabs with the same key share one token: it has to tell users and token services apart. Without one nothing is
   * shared.
   */
  key?: string | null | undefined
}
