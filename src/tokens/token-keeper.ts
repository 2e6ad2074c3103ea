import { explain } from '../base/explanation.js'
import { createAlarm, type Alarm } from '../base/alarm.js'
import { instant, since, type Instant } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { createPeriod, type Period } from '../base/period.js'
import { redactedText, redactedError } from '../base/token-redaction.js'
import { tokenProblem } from '../policy/token-answer.js'
import { jwtLifetime, tokenSubject } from '../policy/token-claims.js'
import type { TokenReason } from '../policy/token-news.js'
import {
  MIN_GAP,
  drawTokenSchedule,
  scheduleByServer,
  tokenLifetime,
  tokenRetryDelay,
} from '../policy/token-schedule.js'
import { TokenBackoff, LONGEST_TIMER } from './token-backoff.js'
import type { TokenCallOutcome } from './token-call.js'
import { TokenGrant } from './token-grant.js'
import type { TokenKeeper, TokenKeeperDeps, TokenKeeperHandlers, TokenState } from './token-part.js'
import { TokenRenewal, type Renewed } from './token-renewal.js'
import { sameState, tokenState } from './token-state.js'
import { TokenTabs, type TabToken, type TokenTabsHandlers } from './token-tabs.js'
import { TokenWaiters } from './token-waiters.js'

/** The longest that another tab can make this one wait: more than a `retryAfter` of an hour comes to. */
const LONGEST_PAUSE = 7_200_000
const KEPT_TOKENS = 3
/** A token that served this long was refused for a new reason, not for the last one's. */
const PROVEN = 60_000
/** A server's word on a token's end repeats the last one, rounded, and some milliseconds under way. */
const SAME_END = 1_000

/**
 * Keeps one token per login session fresh, for one tab or for all tabs of a browser together. Inert until `token()`.
 */
export function createTokenKeeper(deps: TokenKeeperDeps, handlers: TokenKeeperHandlers): TokenKeeper {
  return new SessionTokens(deps, handlers)
}

class SessionTokens implements TokenKeeper, TokenTabsHandlers, Renewed {
  grant: TokenGrant | null = null
  #backoff: TokenBackoff | null = null
  readonly tabs: TokenTabs
  readonly #deps: TokenKeeperDeps
  readonly #handlers: TokenKeeperHandlers
  #over: string | null = null
  /** Nobody wants a token: the live socket is closed, or was never connected. */
  #resting = true
  /** The newest ones: an error that comes late may quote the one before. */
  #tokens: readonly string[] = []
  #refusals = 0
  /** In a row, and not the provider's fault: tokens that a server called dead when they came. */
  #stillborn = 0
  #wasHidden = false
  #told: TokenState | null = null
  #renewal: TokenRenewal | null = null
  #waiters: TokenWaiters | null = null
  readonly #alarm: Alarm
  #session: Period | null = null

  constructor(deps: TokenKeeperDeps, handlers: TokenKeeperHandlers) {
    const { clock } = deps
    this.#deps = deps
    this.#handlers = handlers
    this.tabs = new TokenTabs(deps, this)
    this.#alarm = createAlarm(clock, this.look, this)
  }

  /** Of the provider, and of what other tabs say of it. */
  get backoff(): TokenBackoff {
    return (this.#backoff ??= new TokenBackoff(this.#deps))
  }

  // What the live socket asks and tells.

  async token(signal: AbortSignal): Promise<string | undefined> {
    if (this.#over === null && this.#resting) this.open()
    if (!this.#stillOn()) throw new LiveSocketError('closed', explain`There is no token to be had: ${this.#over}`)
    if (!signal.aborted && this.grant?.usable) {
      const { token } = this.grant
      this.look()
      return token
    }
    if (!signal.aborted && !this.#deps.getToken) return undefined
    const next = (this.#waiters ??= new TokenWaiters()).wait(signal)
    this.look()
    return next
  }

  accepted(token: string | undefined, ttl?: number): void {
    if (this.#over !== null) return
    const { grant } = this
    if (!this.#deps.getToken) this.#refusals = 0
    if (!grant || token !== grant.token) return
    grant.acceptedAt ??= instant(this.#deps.clock)
    if (ttl === undefined || !(ttl >= 0) || grant.stillborn) return
    const { age, gap, schedule } = grant
    // What a server says is left is a word on the token's end, not a new token. It knows less than who issued it,
    // unless it is going to end things sooner.
    const more = ttl - (schedule.lifetime - age)
    if (age < gap) {
      if (ttl < gap && ttl < (schedule.lifetime - age) / 2) return this.#bornDead(grant, ttl)
      this.#stillborn = 0
    }
    if (Math.abs(more) <= SAME_END || (more > 0 && !grant.assumed)) return
    grant.schedule = scheduleByServer(schedule, age, ttl)
    grant.cutShort ||= more < 0
    this.look()
  }

  rejected(token: string | undefined): void {
    if (this.#over !== null) return
    const { grant } = this
    if (this.#deps.getToken || token !== undefined) {
      if (!grant || token !== grant.token || grant.refused) return
      if (grant.acceptedAt && since(this.#deps.clock, grant.acceptedAt) >= PROVEN) this.#refusals = 0
      grant.refused = true
      this.backoff.wanted = 'rejected'
    }
    if (++this.#refusals >= 2) this.#end('token-refused')
    else this.look()
  }

  request(): void {
    if (this.#over !== null || !this.grant) return
    this.backoff.wanted ??= 'requested'
    this.look()
  }

  push(token: string, ttl?: number): void {
    if (this.#over !== null || token === this.grant?.token) return
    const problem = tokenProblem(token)
    if (problem === null) this.#take(token, { start: instant(this.#deps.clock), reason: 'requested', ttl })
    else {
      const error = new LiveSocketError('invalid', explain`the server pushed a token that ${problem}`)
      this.#handlers.failed({ reason: 'requested', error, retryIn: this.#alarm.left ?? 0 })
    }
    this.look()
  }

  redactedError(thrown: unknown, who: string): unknown {
    return redactedError(thrown, this.#tokens, who)
  }

  lookIfChanged(): void {
    if (this.#over !== null || this.#resting || !this.#stillOn()) return
    if (this.#backoff?.backOnline || this.#wasHidden !== this.#hidden) this.look()
  }

  open(): boolean {
    if (this.#over !== null) return false
    this.#resting = false
    this.tabs.join()
    return this.tabs.over() === null
  }

  suspend(): void {
    this.tabs.suspend()
  }

  signOut(reason = 'signed-out'): void {
    if (this.#over !== null) return
    this.tabs.join()
    this.tabs.endSession(reason)
    this.#finish('signed-out', 'signed out')
  }

  rest(): void {
    if (this.#over !== null || this.#resting) return
    this.#resting = true
    if (this.#renewal?.underWay) this.backoff.dropped++
    this.#stop(false, explain`the live socket was closed`)
  }

  // What other tabs tell.

  asked(generation: number): void {
    const { failures, pause } = this.backoff
    if (failures > 0 && pause.left > 0) this.tabs.wait(failures, pause.left)
    // Who answered with what the asking tab has would send it to the provider before the news of a newer one arrives.
    if (this.grant?.usable && this.grant.generation > generation) this.tabs.share(this.grant, this.#sessionLeft)
    else this.tabs.handBack()
  }

  arrived(news: TabToken): void {
    if (this.#over !== null) return
    const { sessionLeft } = news
    const grant = new TokenGrant(this.#deps.clock, news, false)
    if (grant.generation > (this.grant?.generation ?? 0) && grant.left > 0) {
      if (!this.#sameSubject(grant.token)) return this.#end('subject-changed')
      if (sessionLeft !== undefined) this.#endsIn(sessionLeft)
      this.backoff.lastCall = grant.start
      this.#adopt(grant)
      this.tabs.heard()
    }
    this.look()
  }

  failedElsewhere(failures: number, delay: number): void {
    this.backoff.failures = Math.max(this.backoff.failures, failures)
    this.backoff.pause.extend(Math.min(delay, LONGEST_PAUSE))
    this.tabs.heard()
    this.look()
  }

  endedElsewhere(reason: string): void {
    this.#end(reason, true)
  }

  // What the provider says.

  answered(outcome: TokenCallOutcome, reason: TokenReason, start: Instant): void {
    if (outcome.kind === 'ended') this.#end(outcome.reason)
    else if (outcome.kind === 'token') this.#take(outcome.token, { ...outcome, start, reason })
    else
      this.#fail(
        reason,
        redactedError(outcome.error, this.#tokens, 'getToken'),
        outcome.kind === 'failed' ? outcome.retryAfter : undefined,
      )
  }

  /** Everything that can be due is looked at here, and only here. */
  look(): void {
    if (this.#over !== null || this.#resting || !this.#stillOn()) return
    const { grant } = this
    this.#alarm.clear()
    this.#wasHidden = this.#hidden
    const wait =
      this.#deps.getToken && !this.#renewal?.underWay
        ? this.backoff.untilCall(grant, !!this.#waiters?.size, this.#wasHidden)
        : Infinity
    if (wait <= 0) void (this.#renewal ??= new TokenRenewal(this.#deps, this)).start(this.backoff.wanted!)
    else if (grant || wait < Infinity) {
      // A token dies unseen if the next look is later.
      const death = grant && grant.left > 0 ? grant.left : Infinity
      this.#alarm.set(Math.ceil(Math.min(wait, LONGEST_TIMER, death, this.#sessionLeft ?? Infinity)))
    }
    this.#tell()
  }

  /** Ends a session whose time is up, or that another tab has ended. */
  #stillOn(): boolean {
    const reason = this.tabs.over()
    if (reason !== null) this.#end(reason, true)
    else if (this.#sessionLeft === 0) this.#end('session-expired')
    return this.#over === null
  }

  #take(token: string, from: { start: Instant; reason: TokenReason; ttl?: number; sessionTtl?: number }) {
    const { start, reason, ttl, sessionTtl } = from
    const { clock, random, tokenRefresh = {} } = this.#deps
    if (sessionTtl !== undefined) this.#endsIn(sessionTtl, start)
    // The provider has it cached. It is no older and no younger for that.
    const again = ttl === undefined && this.grant?.token === token ? this.grant : null
    if (again && !again.refused) return this.#takeAgain(again, reason)
    const told = {
      token,
      generation: this.tabs.nextGeneration(this.grant?.generation ?? 0),
      start: again ? again.start : start,
      reason,
      schedule: drawTokenSchedule(tokenLifetime(token, ttl, tokenRefresh.lifetime), tokenRefresh, random),
    }
    if (!this.#sameSubject(token)) return this.#end('subject-changed')
    this.tabs.publish(told, this.#sessionLeft)
    this.#adopt(new TokenGrant(clock, told, ttl === undefined && jwtLifetime(token) === undefined))
  }

  /** Used while it lives, and asked for again in time. */
  #takeAgain({ left }: TokenGrant, reason: TokenReason) {
    if (left <= 0) {
      const error = new LiveSocketError(
        'invalid',
        explain`getToken answered the token that has just expired; let it fetch a new one`,
      )
      return this.#fail(reason, error)
    }
    this.backoff.failures = 0
    this.backoff.pause.start(tokenRetryDelay({ failures: 0, left }, this.#deps.random))
  }

  /**
   * A token that has just come, and that a server took and called as good as dead: one of the two clocks is wrong, and
   * another token would fare no better. So its word changes nothing of when this one is used; it is a failure, and the
   * next call waits as after one.
   */
  #bornDead(grant: TokenGrant, left: number) {
    grant.stillborn = true
    const delay = Math.max(MIN_GAP, tokenRetryDelay({ failures: this.#stillborn++, left: 0 }, this.#deps.random))
    this.backoff.wanted ??= 'requested'
    this.backoff.pause.extend(delay)
    const error = new LiveSocketError(
      'invalid',
      explain`the server says of a token that has just come that it lives ${left} ms more; compare the clocks of server and token service`,
    )
    this.#handlers.failed({ reason: 'requested', error, retryIn: delay })
    this.look()
  }

  #endsIn(left: number, from?: Instant) {
    ;(this.#session ??= createPeriod(this.#deps.clock)).start(left, from)
  }

  #sameSubject(token: string) {
    const before = this.grant && tokenSubject(this.grant.token)
    const subject = tokenSubject(token)
    return !before || !subject || before === subject
  }

  #adopt(next: TokenGrant) {
    if (!this.grant?.refused) this.#refusals = 0
    this.grant = next
    this.#tokens = [next.token, ...this.#tokens].slice(0, KEPT_TOKENS)
    this.backoff.satisfied()
    this.#renewal?.satisfied()
    this.#waiters?.give(next.token)
    this.#handlers.fresh(next.token)
    this.#handlers.refreshed({ reason: next.reason, lifetime: next.schedule.lifetime })
  }

  #fail(reason: TokenReason, error: unknown, retryAfter?: number) {
    const delay = this.backoff.failed(reason, this.grant?.usable ? this.grant.left : 0, retryAfter)
    this.tabs.wait(this.backoff.failures, delay)
    this.#handlers.failed({ reason, error, retryIn: delay })
  }

  #end(reason: string, elsewhere = false) {
    if (this.#over !== null) return
    reason = redactedText(reason, this.#tokens)
    if (!elsewhere) this.tabs.endSession(reason)
    this.#finish(reason, explain`the login session has ended (${reason}); sign in and connect again`)
    this.#handlers.ended(reason)
  }

  #finish(why: string, message: string) {
    this.#over = why
    this.grant = null
    this.#tokens = []
    this.#stop(true, message)
  }

  #stop(good: boolean, message: string) {
    this.#alarm.clear()
    this.#renewal?.stop()
    this.tabs.leave(good)
    this.#waiters?.refuse(new LiveSocketError('closed', explain`There is no token to be had: ${message}`))
    this.#tell()
  }

  #tell() {
    const state = tokenState({
      over: this.#over !== null,
      grant: this.#resting ? null : this.grant,
      renewing: this.#renewal?.underWay ?? false,
      backoff: this.#deps.getToken ? this.backoff : null,
      hidden: this.#wasHidden,
      now: this.#deps.clock.now(),
    })
    if (this.#told && sameState(this.#told, state)) return
    this.#told = state
    this.#handlers.state(state)
  }

  /** Of the login session, ms; undefined where nobody said when it ends. */
  get #sessionLeft(): number | undefined {
    return this.#session?.running ? this.#session.left : undefined
  }

  get #hidden(): boolean {
    return this.#deps.hidden?.() ?? false
  }
}
