import type { Instant } from '../base/clock.js'
import type { TokenReason } from '../policy/token-news.js'
import type { TokenBackoff } from './token-backoff.js'
import { callTokenProvider, PROVIDER_LIMIT, type TokenCallOutcome } from './token-call.js'
import type { TokenGrant } from './token-grant.js'
import type { TokenKeeperDeps } from './token-part.js'
import type { TokenTabs } from './token-tabs.js'

/**
 * How long a tab waits for its turn: another one, frozen in the middle of a fetch, may never give it back. Longer where
 * calls may be.
 */
const TURN_LIMIT = 8_000

/** Whose token it is that is renewed. */
export interface Renewed {
  readonly grant: TokenGrant | null
  readonly backoff: TokenBackoff
  readonly tabs: TokenTabs
  /** What the provider said to a call that began at `start`. */
  answered(outcome: TokenCallOutcome, reason: TokenReason, start: Instant): void
  look(): void
}

/** Calls of the provider, one at a time, and one of all tabs. */
export class TokenRenewal {
  readonly #deps: TokenKeeperDeps
  readonly #of: Renewed
  /** Stops what the renewal under way is waiting for: its turn, or the provider. One at a time. */
  #current: { readonly turn: AbortController; readonly call: AbortController } | null = null
  /** A call that is past its limit, and whose answer is still wanted. */
  #slow: AbortController | null = null
  /** In a row: turns that did not come. */
  #turnsMissed = 0

  constructor(deps: TokenKeeperDeps, of: Renewed) {
    this.#deps = deps
    this.#of = of
  }

  get underWay(): boolean {
    return this.#current !== null
  }

  async start(reason: TokenReason): Promise<void> {
    const { clock, random } = this.#deps
    const { tabs, backoff } = this.#of
    const seen = this.#generation
    const mine = (this.#current = { turn: new AbortController(), call: new AbortController() })
    const { turn, call } = mine
    const renewed = () => this.#generation > seen
    /** Another tab has got a token or a failure meanwhile, or nobody wants one any more. */
    const settled = () => this.#current !== mine || renewed() || backoff.pause.left > 0
    const cancel = clock.setTimeout(() => turn.abort(), Math.max(TURN_LIMIT, this.#limit - 2_000))
    void tabs.askOthers(seen)
    try {
      await tabs.exclusively(async (contended) => {
        cancel()
        this.#turnsMissed = 0
        // Who had the turn just before may have told of a token a moment ago, and the news be still on its way.
        if (!settled() && (contended || tabs.mayHaveNewer(seen))) await tabs.askOthers(seen)
        if (settled()) return false
        await this.#call(reason, call)
        return renewed()
      }, turn.signal)
    } catch {
      // The turn did not come. With a token in hand there is time, once; without one a second call costs less than no
      // token.
      if (!settled() && this.#of.grant?.usable && this.#turnsMissed++ === 0)
        backoff.pause.start(5_000 + random() * 10_000)
      if (!settled()) await this.#call(reason, call)
    }
    cancel()
    if (this.#current !== mine) return
    this.#current = null
    this.#of.look()
  }

  /** A token is there: nobody need wait for a turn, or for an answer that is late. */
  satisfied(): void {
    this.#forgetSlow()
    this.#current?.turn.abort()
  }

  stop(): void {
    const calls = [this.#current?.turn, this.#current?.call, this.#slow]
    this.#current = this.#slow = null
    for (const call of calls) call?.abort()
  }

  async #call(reason: TokenReason, call: AbortController) {
    const start = this.#of.backoff.begin()
    this.#forgetSlow()
    const late = (outcome: TokenCallOutcome) => {
      if (this.#slow !== call) return
      this.#slow = null
      // It counts as failed already.
      if (outcome.kind !== 'failed') this.#of.answered(outcome, reason, start)
      this.#of.look()
    }
    const outcome = await callTokenProvider(
      this.#deps.getToken!,
      { reason, attempt: this.#of.backoff.failures + 1, limit: this.#limit, call, late },
      this.#deps.clock,
    )
    // Signed out or closed meanwhile: whatever came, it is too late.
    if (call.signal.aborted && this.#current?.call !== call) return
    if (outcome.kind === 'slow') this.#slow = call
    this.#of.answered(outcome, reason, start)
  }

  #forgetSlow() {
    this.#slow?.abort()
    this.#slow = null
  }

  get #generation(): number {
    return this.#of.grant?.generation ?? 0
  }

  get #limit(): number {
    return this.#deps.tokenRefresh?.timeout ?? PROVIDER_LIMIT
  }
}
