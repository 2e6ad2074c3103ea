import { explain } from '../base/explanation.js'
import { createAlarm, type Alarm } from '../base/alarm.js'
import { instant, since, type Instant } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { createPeriod, type Period } from '../base/period.js'
import { redactedText, redactedError } from '../base/token-redaction.js'
import { tokenProblem, type TokenAnswer } from '../policy/token-answer.js'
import { jwtLifetime, tokenSubject } from '../policy/token-claims.js'
import type { TokenReason } from '../policy/token-news.js'
import { MIN_GAP, drawTokenSchedule, tokenLifetime } from '../policy/token-schedule.js'
import { TokenGrant } from './token-grant.js'
import type { TokenKeeper, TokenKeeperDeps, TokenKeeperHandlers, TokenState } from './token-part.js'
import { LONGEST_TIMER, TokenRenewal } from './token-renewal.js'
import { sameState } from './token-state.js'

const KEPT_TOKENS = 3
/**
 * After a token has worked this long, in ms, a refusal has a new reason and does not count together with the previous
 * one.
 */
const PROVEN = 60_000

/** A dial that waits for a token. Called without one, it checks for the token in force. False: it no longer waits. */
type Waiter = (token?: string) => boolean

/**
 * Keeps one token per login session fresh, for one tab or for all tabs of a browser together. Does nothing until
 * `token()`.
 */
export function createTokenKeeper(deps: TokenKeeperDeps, handlers: TokenKeeperHandlers): TokenKeeper {
  return new SessionTokens(deps, handlers)
}

class SessionTokens extends TokenRenewal implements TokenKeeper {
  protected readonly handlers: TokenKeeperHandlers
  #over = false
  /** No token is wanted: the live socket is closed, or was never connected. */
  #resting = true
  /** The newest tokens, for redaction: a late error may quote the previous one. */
  #tokens: readonly string[] = []
  #waiters: readonly Waiter[] = []
  #refusals = 0
  #wasHidden = false
  #told: TokenState | null = null
  readonly #alarm: Alarm
  /** The time left in the login session, if its end is known. */
  #session: Period | null = null

  constructor(deps: TokenKeeperDeps, handlers: TokenKeeperHandlers) {
    super(deps)
    this.handlers = handlers
    this.#alarm = createAlarm(deps.clock, this.look, this)
  }

  // Called by the live socket.

  token(signal: AbortSignal): Promise<string | undefined> {
    this.open()
    this.#stillOn()
    const token = new Promise<string | undefined>((resolve, reject) => {
      const waits: Waiter = (next = this.grant?.usable ? this.grant.token : undefined) => {
        if (signal.aborted) reject(signal.reason as Error)
        else if (this.#over || this.#resting)
          reject(new LiveSocketError('closed', explain`There is no token: the live socket is closed; connect again`))
        else if (next === undefined && this.deps.getToken) return true
        else resolve(next)
        return false
      }
      this.#waiters = [...this.#waiters, waits]
      signal.addEventListener('abort', () => this.#wake())
    })
    this.#wake()
    this.look()
    return token
  }

  accepted(token: string | undefined, ttl = NaN): void {
    const { grant } = this
    if (!this.deps.getToken) this.#refusals = 0
    if (!grant || token !== grant.token) return
    grant.acceptedAt ??= instant(this.deps.clock)
    if (!(ttl >= 0) || grant.stillborn) return
    const changed = grant.lives(ttl)
    if (grant.stillborn) {
      const message = explain`the server says that a token fetched just now has only ${ttl} ms left; compare the clocks of server and token service`
      this.failed('requested', new LiveSocketError('invalid', message, { retryAfter: MIN_GAP }))
    } else if (grant.age < grant.gap) this.failures = 0
    if (changed) this.look()
  }

  rejected(token: string | undefined): void {
    const { grant } = this
    if (this.deps.getToken || token !== undefined) {
      if (!grant || token !== grant.token || grant.refused) return
      if (grant.acceptedAt && since(this.deps.clock, grant.acceptedAt) >= PROVEN) this.#refusals = 0
      grant.refused = true
      this.wanted = 'rejected'
      // The first call after a refusal is made at once.
      if (this.failures === 0) this.pause.stop()
    }
    if (++this.#refusals >= 2) this.end('token-refused')
    else this.look()
  }

  request(): void {
    if (!this.grant) return
    this.wanted ??= 'requested'
    this.look()
  }

  push(token: string, ttl?: number): void {
    if (this.#over || token === this.grant?.token) return
    const problem = tokenProblem(token)
    if (problem === null) this.answered({ token, ttl }, 'requested', instant(this.deps.clock))
    else {
      const error = new LiveSocketError('invalid', explain`the server pushed a token that ${problem}`)
      this.handlers.failed({ reason: 'requested', error, retryIn: this.#alarm.left ?? 0 })
    }
    this.look()
  }

  redactedError(thrown: unknown, who: string): unknown {
    return redactedError(thrown, this.#tokens, who)
  }

  lookIfChanged(): void {
    if (!this.#resting && this.#stillOn() && (this.backOnline || this.#wasHidden !== this.deps.hidden())) this.look()
  }

  open(): boolean {
    if (this.#over) return false
    this.#resting = false
    return this.overElsewhere() === null
  }

  signOut(reason = 'signed-out'): void {
    if (this.#over) return
    this.endSession(reason)
    this.#finish()
  }

  rest(): void {
    if (this.#resting) return
    this.#resting = true
    this.#stop()
  }

  // News from other tabs.

  told(news: Parameters<TokenRenewal['told']>[0]): void {
    const { grant, failures, pause } = this
    const { clock } = this.deps
    if (news.kind === 'ask') {
      const failing = failures > 0 && pause.left > 0
      if (failing) this.post({ kind: 'wait', failures, delay: pause.left })
      // Answering with the token that the asking tab already has would send that tab to the provider before the news of
      // a newer token arrives.
      if (grant?.usable && grant.generation > (news.generation ?? 0)) this.share(grant)
      else if (!failing && !this.underWay) this.handBack()
      return
    }
    if (news.kind === 'wait') this.failedElsewhere(news.failures, news.delay)
    else {
      // While a tab is frozen its news waits, and the token in it ages. Monotonic clocks differ between tabs, so the
      // wall clock measures that time.
      const underWay = Math.max(0, clock.now() - news.at)
      const age = news.age + underWay
      const start = { wall: clock.now() - age, monotonic: clock.monotonic() - age }
      const next = new TokenGrant(clock, { ...news, start })
      if (next.generation > this.generation && next.left > 0) {
        if (news.sessionLeft !== undefined) this.#endsIn(news.sessionLeft - underWay)
        this.#adopt(next, start)
      }
    }
    this.look()
  }

  // Answers of the provider, or tokens pushed by a server.

  answered({ token, ttl, sessionTtl, ended }: TokenAnswer, reason: TokenReason, asked: Instant): void {
    if (ended !== undefined) return this.end(ended)
    const { clock, random, tokenRefresh } = this.deps
    if (sessionTtl !== undefined) this.#endsIn(sessionTtl, asked)
    // The provider has cached this token, so its age stays as it was.
    const again = ttl === undefined && this.grant?.token === token ? this.grant : null
    if (again && !again.refused) return this.cached(again, reason)
    const next = new TokenGrant(clock, {
      token,
      generation: this.nextGeneration(),
      start: again ? again.given.start : asked,
      reason,
      schedule: drawTokenSchedule(tokenLifetime(token, ttl, tokenRefresh.lifetime), tokenRefresh, random),
      assumed: ttl === undefined && jwtLifetime(token) === undefined,
    })
    this.#adopt(next, asked, true)
  }

  /** Checks everything that can be due. No other code does. */
  look(): void {
    if (this.#resting || !this.#stillOn()) return
    const { grant } = this
    this.#alarm.clear()
    this.#wasHidden = this.deps.hidden()
    let wait = this.due(this.#waiters.length > 0, this.#wasHidden)
    if (wait <= 0) {
      void this.renew()
      wait = Infinity
    }
    // The state must change when the token dies, even if nothing else is due then.
    const death = grant && grant.left > 0 ? grant.left : Infinity
    if (grant || wait < Infinity)
      this.#alarm.set(Math.ceil(Math.min(wait, LONGEST_TIMER, death, this.sessionLeft ?? Infinity)))
    this.#tell(wait)
  }

  /** Ends a session whose time is up, or that another tab has ended. Returns whether it goes on. */
  #stillOn(): boolean {
    if (this.#over) return false
    const reason = this.overElsewhere()
    if (reason !== null) this.end(reason, true)
    else if (this.sessionLeft === 0) this.end('session-expired')
    return !this.#over
  }

  protected get sessionLeft(): number | undefined {
    return this.#session?.left
  }

  #endsIn(left: number, from?: Instant) {
    ;(this.#session ??= createPeriod(this.deps.clock)).start(left, from)
  }

  /** Takes over a new token, from whatever source. `ours`: this tab fetched it and tells the others. */
  #adopt(next: TokenGrant, asked: Instant, ours = false) {
    const { grant } = this
    const before = grant && tokenSubject(grant.token)
    const subject = tokenSubject(next.token)
    if (before && subject && before !== subject) return this.end('subject-changed')
    if (ours) this.publish(next)
    if (!grant?.refused) this.#refusals = 0
    this.satisfied(next, asked)
    // Aborting a call runs code of the application, which may sign out.
    if (this.#over) return
    this.grant = next
    this.#tokens = [next.token, ...this.#tokens].slice(0, KEPT_TOKENS)
    this.#wake(next.token)
    this.handlers.fresh(next.token)
    this.handlers.refreshed({ reason: next.given.reason, lifetime: next.schedule.lifetime })
  }

  #wake(token?: string) {
    this.#waiters = this.#waiters.filter((waits) => waits(token))
  }

  end(reason: string, elsewhere = false) {
    if (this.#over) return
    reason = redactedText(reason, this.#tokens)
    if (!elsewhere) this.endSession(reason)
    this.#finish()
    this.handlers.ended(reason)
  }

  #finish() {
    this.#over = true
    this.grant = null
    this.#tokens = []
    this.#stop()
  }

  #stop() {
    this.#alarm.clear()
    this.stop()
    this.leave(this.#over)
    this.#wake()
    this.#tell(Infinity)
  }

  #tell(wait: number) {
    const now = this.deps.clock.now()
    const grant = this.#resting ? null : this.grant
    const none = this.#over ? 'ended' : 'none'
    const state: TokenState = {
      status: this.underWay ? 'refreshing' : !grant ? none : grant.usable ? 'valid' : 'stale',
      refreshAt: grant && wait < Infinity ? now + wait : null,
      expiresAt: grant && now - grant.age + grant.schedule.lifetime,
    }
    if (sameState(this.#told, state)) return
    this.#told = state
    this.handlers.state(state)
  }
}
