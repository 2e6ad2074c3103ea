import { explain } from '../base/explanation.js'
import { createAlarm, type Alarm } from '../base/alarm.js'
import { instant, since, type Clock, type Instant, type Random } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { createPeriod, type Period } from '../base/period.js'
import { redactedText, redactedError } from '../base/token-redaction.js'
import type { Tabs } from '../host/tabs.js'
import { tokenProblem, tokenSubject, type TokenResult } from '../policy/token-answer.js'
import type { TokenReason } from '../policy/token-news.js'
import {
  callGap,
  MIN_GAP,
  drawTokenSchedule,
  jwtLifetime,
  refreshDue,
  scheduleByServer,
  tokenLifetime,
  tokenRetryDelay,
  type TokenSchedule,
} from '../policy/token-schedule.js'
import { callTokenProvider, PROVIDER_LIMIT, type GetToken, type TokenCallOutcome } from './token-call.js'
import { createTokenTabs, type TabToken, type TokenTabs } from './token-tabs.js'
import { createStateTeller, type TokenState } from './token-state.js'
import { createTokenWaiters } from './token-waiters.js'

export type { GetToken, TokenReason, TokenResult, TokenState }

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
   * however many calls that takes. `undefined` where there is no provider. Rejects as `closed` or `aborted`.
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
  check(): void
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
  tokenRefresh?: TokenRefreshOptions | undefined
  online?: (() => boolean) | undefined
  hidden?: (() => boolean) | undefined
  tabs?: Tabs | undefined
  /**
   * Tabs with the same key share one token: it has to tell users and token services apart. Without one nothing is
   * shared.
   */
  key?: string | null | undefined
}

/**
 * How long a tab waits for its turn: another one, frozen in the middle of a fetch, may never give it back. Longer where
 * calls may be.
 */
const TURN_LIMIT = 8_000
/** The longest timer: one that was set before a sleep would be late by the length of the sleep. */
const LONGEST_TIMER = 60_000
/** The longest that another tab can make this one wait: more than a `retryAfter` of an hour comes to. */
const LONGEST_PAUSE = 7_200_000
/** Overdue by more than a throttled timer explains: the machine slept. */
const OVERSLEPT = 60_000
/** A building wakes, or comes back online, at one instant. */
const WAKE_JITTER = { visible: 1_000, hidden: 10_000 }
const ONLINE_JITTER = 1_000
/**
 * What closes and connects while calls are under way has so many of them for nothing; then the least gap between two
 * calls holds.
 */
const CALLS_DROPPED = 3
const KEPT_TOKENS = 3
/** A token that served this long was refused for a new reason, not for the last one's. */
const PROVEN = 60_000

/** A server's word on a token's end repeats the last one, rounded, and some milliseconds under way. */
const SAME_END = 1_000

/** The token in force. */
interface Grant {
  readonly token: string
  readonly generation: number
  readonly start: Instant
  readonly reason: TokenReason
  schedule: TokenSchedule
  /** Neither token nor provider said how long it lives: a server that knows is believed. */
  readonly assumed: boolean
  /**
   * The next one is not asked for sooner after this one's call: by its own lifetime, whatever a server says of it.
   * Milliseconds.
   */
  readonly gap: number
  /** A server wants it renewed before its time. */
  cutShort: boolean
  /** A server called it dead when it came: its word on this one is not believed. */
  stillborn: boolean
  acceptedAt: Instant | null
  refused: boolean
}

/**
 * Keeps one token per login session fresh, for one tab or for all tabs of a browser together. Inert until `token()`.
 */
export function createTokenKeeper(deps: TokenKeeperDeps, handlers: TokenKeeperHandlers): TokenKeeper {
  return new SessionTokens(deps, handlers)
}

class SessionTokens implements TokenKeeper {
  readonly #deps: TokenKeeperDeps
  readonly #handlers: TokenKeeperHandlers
  #over: string | null = null
  /** Nobody wants a token: the live socket is closed, or was never connected. */
  #resting = true
  #grant: Grant | null = null
  /** The newest ones: an error that comes late may quote the one before. */
  #tokens: readonly string[] = []
  /** Why the provider has to be called: kept from the moment it is due until a token is there. */
  #wanted: TokenReason | null = null
  #failures = 0
  #refusals = 0
  /** In a row, and not the provider's fault: tokens that a server called dead when they came. */
  #stillborn = 0
  /** In a row: calls that were given up because the live socket was closed. */
  #dropped = 0
  /** In a row: turns that did not come. */
  #turnsMissed = 0
  #lastCall: Instant | null = null
  /** Stops what the renewal under way is waiting for: its turn, or the provider. One at a time. */
  #renewal: { readonly turn: AbortController; readonly call: AbortController } | null = null
  /** A call that is past its limit, and whose answer is still wanted. */
  #slow: AbortController | null = null
  /** A call that was due waits for a network. */
  #heldOffline = false
  #wasHidden = false
  readonly #waiters = createTokenWaiters()
  readonly #tell: (state: TokenState) => void
  readonly #alarm: Alarm
  /** Nobody calls the provider while it lasts. */
  readonly #pause: Period
  readonly #session: Period
  readonly #tabs: TokenTabs

  constructor(deps: TokenKeeperDeps, handlers: TokenKeeperHandlers) {
    const { clock } = deps
    this.#deps = deps
    this.#handlers = handlers
    this.#tell = createStateTeller((state) => handlers.state(state))
    this.#alarm = createAlarm(clock, () => this.#look())
    this.#pause = createPeriod(clock)
    this.#session = createPeriod(clock)
    this.#tabs = createTokenTabs(
      { clock, tabs: deps.tabs, key: deps.key ?? null },
      {
        asked: (generation) => {
          if (this.#failures > 0 && this.#pause.left > 0) this.#tabs.wait(this.#failures, this.#pause.left)
          // Who answered with what the asking tab has would send it to the provider before the news of a newer one
          // arrives.
          if (this.#usable(this.#grant) && this.#grant.generation > generation)
            this.#tabs.share(this.#shared(this.#grant))
          else this.#tabs.handBack()
        },
        token: (news) => {
          if (this.#over === null) this.#hear(news)
        },
        wait: (others, delay) => {
          this.#failures = Math.max(this.#failures, others)
          this.#pause.extend(Math.min(delay, LONGEST_PAUSE))
          this.#tabs.heard()
          this.#look()
        },
        ended: (reason) => this.#end(reason, 'elsewhere'),
      },
    )
  }

  async token(signal: AbortSignal): Promise<string | undefined> {
    if (this.#over === null && this.#resting) this.open()
    if (!this.#stillOn()) throw new LiveSocketError('closed', explain`There is no token to be had: ${this.#over}`)
    if (!signal.aborted && this.#usable(this.#grant)) {
      const { token } = this.#grant
      this.#look()
      return token
    }
    if (!signal.aborted && !this.#deps.getToken) return undefined
    const next = this.#waiters.wait(signal)
    this.#look()
    return next
  }

  accepted(token: string | undefined, ttl?: number): void {
    if (this.#over !== null) return
    if (!this.#deps.getToken) this.#refusals = 0
    if (!this.#grant || token !== this.#grant.token) return
    this.#grant.acceptedAt ??= instant(this.#deps.clock)
    if (ttl === undefined || !(ttl >= 0)) return
    const age = since(this.#deps.clock, this.#grant.start)
    if (this.#grant.stillborn) return
    if (age < this.#grant.gap && ttl < this.#grant.gap && ttl < (this.#grant.schedule.lifetime - age) / 2)
      return this.#bornDead(this.#grant, ttl)
    if (age < this.#grant.gap) this.#stillborn = 0
    // What a server says is left is a word on the token's end, not a new token. It knows less than who issued it,
    // unless it is going to end things sooner.
    const more = ttl - (this.#grant.schedule.lifetime - age)
    if (Math.abs(more) <= SAME_END || (more > 0 && !this.#grant.assumed)) return
    this.#grant.schedule = scheduleByServer(this.#grant.schedule, age, ttl)
    this.#grant.cutShort ||= more < 0
    this.#look()
  }

  rejected(token: string | undefined): void {
    if (this.#over !== null) return
    if (this.#deps.getToken || token !== undefined) {
      if (!this.#grant || token !== this.#grant.token || this.#grant.refused) return
      if (this.#grant.acceptedAt && since(this.#deps.clock, this.#grant.acceptedAt) >= PROVEN) this.#refusals = 0
      this.#grant.refused = true
      this.#wanted = 'rejected'
    }
    if (++this.#refusals >= 2) this.#end('token-refused')
    else this.#look()
  }

  request(): void {
    if (this.#over !== null || !this.#grant) return
    this.#wanted ??= 'requested'
    this.#look()
  }

  push(token: string, ttl?: number): void {
    if (this.#over !== null || token === this.#grant?.token) return
    const problem = tokenProblem(token)
    if (problem === null) this.#take(token, { start: instant(this.#deps.clock), reason: 'requested', ttl })
    else {
      const error = new LiveSocketError('invalid', explain`the server pushed a token that ${problem}`)
      this.#handlers.failed({ reason: 'requested', error, retryIn: this.#alarm.left ?? 0 })
    }
    this.#look()
  }

  redactedError(thrown: unknown, who: string): unknown {
    return redactedError(thrown, this.#tokens, who)
  }

  check(): void {
    if (this.#over !== null || this.#resting || !this.#stillOn()) return
    if ((this.#heldOffline && this.#online) || this.#wasHidden !== this.#hidden) this.#look()
  }

  suspend(): void {
    this.#tabs.suspend()
  }

  signOut(reason = 'signed-out'): void {
    if (this.#over !== null) return
    this.#tabs.join()
    this.#tabs.endSession(reason)
    this.#finish('signed-out', 'signed out')
  }

  rest(): void {
    if (this.#over !== null || this.#resting) return
    this.#resting = true
    this.#alarm.clear()
    if (this.#renewal) this.#dropped++
    this.#drop()
    this.#tabs.leave(false)
    this.#waiters.refuse(
      new LiveSocketError('closed', explain`There is no token to be had: the live socket was closed`),
    )
    this.#tell(this.#currentState())
  }

  #usable(grant: Grant | null): grant is Grant {
    return grant !== null && !grant.refused && since(this.#deps.clock, grant.start) < grant.schedule.dead
  }

  #shared(grant: Grant): TabToken {
    return { ...grant, sessionLeft: this.#session.running ? this.#session.left : undefined }
  }

  /** Ends a session whose time is up, or that another tab has ended. */
  #stillOn(): boolean {
    const reason = this.#tabs.over()
    if (reason !== null) this.#end(reason, 'elsewhere')
    else if (this.#session.running && this.#session.left <= 0) this.#end('session-expired')
    return this.#over === null
  }

  /** Everything that can be due is looked at here, and only here. */
  #look() {
    if (this.#over !== null || this.#resting || !this.#stillOn()) return
    this.#alarm.clear()
    this.#wasHidden = this.#hidden
    const wait = this.#deps.getToken && !this.#renewal ? this.#untilCall() : Infinity
    if (wait <= 0) void this.#renew(this.#wanted!)
    else if (this.#grant || wait < Infinity)
      this.#alarm.set(
        Math.ceil(
          Math.min(wait, LONGEST_TIMER, this.#untilDeath(), this.#session.running ? this.#session.left : Infinity),
        ),
      )
    this.#tell(this.#currentState())
  }

  /** A token dies unseen if the next call is later. */
  #untilDeath(): number {
    const left = this.#grant ? this.#grant.schedule.dead - since(this.#deps.clock, this.#grant.start) : 0
    return left > 0 ? left : Infinity
  }

  /** Milliseconds until the provider is to be called. Sets `wanted` as soon as there is a reason. */
  #untilCall(): number {
    if (this.#wanted === null) {
      if (this.#grant) {
        const late = since(this.#deps.clock, this.#grant.start) - refreshDue(this.#grant.schedule, this.#wasHidden)
        if (late < 0) return -late
        this.#wanted = late > OVERSLEPT ? 'wake' : this.#grant.cutShort ? 'requested' : 'scheduled'
        if (this.#wanted === 'wake' && this.#waiters.size === 0)
          this.#pause.start(this.#deps.random() * (this.#wasHidden ? WAKE_JITTER.hidden : WAKE_JITTER.visible))
      } else {
        if (this.#waiters.size === 0) return Infinity
        this.#wanted = 'first'
      }
    }
    if (!this.#online) {
      // A hint, not the truth: who has a token can wait for better news, who needs one tries at the usual pace.
      if (this.#pause.left <= 0) this.#heldOffline = true
      if (this.#usable(this.#grant) || this.#waiters.size === 0) return LONGEST_TIMER
    } else if (this.#heldOffline) {
      this.#heldOffline = false
      this.#pause.start(this.#deps.random() * ONLINE_JITTER)
    }
    return Math.max(0, this.#pause.left, this.#gapLeft())
  }

  /**
   * The minimum gap is for calls with a new reason. A failed call's repetition follows the retry rule, and the one call
   * after a refusal is made at once: a second refusal ends the session, so that cannot become a loop.
   */
  #gapLeft(): number {
    if (!this.#lastCall || this.#wanted === 'rejected') return 0
    if (this.#dropped >= CALLS_DROPPED) return MIN_GAP - since(this.#deps.clock, this.#lastCall)
    return this.#grant && this.#failures === 0 ? this.#grant.gap - since(this.#deps.clock, this.#lastCall) : 0
  }

  async #renew(reason: TokenReason) {
    const seen = this.#grant?.generation ?? 0
    const mine = (this.#renewal = { turn: new AbortController(), call: new AbortController() })
    const { turn, call } = mine
    const renewed = () => (this.#grant?.generation ?? 0) > seen
    /** Another tab has got a token or a failure meanwhile, or nobody wants one any more. */
    const settled = () => this.#renewal !== mine || renewed() || this.#pause.left > 0
    const cancel = this.#deps.clock.setTimeout(() => turn.abort(), Math.max(TURN_LIMIT, this.#limit - 2_000))
    void this.#tabs.ask(seen)
    try {
      await this.#tabs.exclusively(async (contended) => {
        cancel()
        this.#turnsMissed = 0
        // Who had the turn just before may have told of a token a moment ago, and the news be still on its way.
        if (!settled() && (contended || this.#tabs.mayHaveNewer(seen))) await this.#tabs.ask(seen)
        if (settled()) return false
        await this.#askProvider(reason, call)
        return renewed()
      }, turn.signal)
    } catch {
      // The turn did not come. With a token in hand there is time, once; without one a second call costs less than no
      // token.
      if (!settled() && this.#usable(this.#grant) && this.#turnsMissed++ === 0)
        this.#pause.start(5_000 + this.#deps.random() * 10_000)
      if (!settled()) await this.#askProvider(reason, call)
    }
    cancel()
    if (this.#renewal !== mine) return
    this.#renewal = null
    this.#look()
  }

  async #askProvider(reason: TokenReason, call: AbortController) {
    const start = (this.#lastCall = instant(this.#deps.clock))
    this.#slow?.abort()
    this.#slow = null
    const answered = (outcome: TokenCallOutcome) => {
      if (outcome.kind === 'ended') this.#end(outcome.reason)
      else if (outcome.kind === 'token')
        this.#take(outcome.token, { start, reason, ttl: outcome.ttl, sessionTtl: outcome.sessionTtl })
      else
        this.#fail(
          reason,
          redactedError(outcome.error, this.#tokens, 'getToken'),
          outcome.kind === 'failed' ? outcome.retryAfter : undefined,
        )
    }
    const late = (outcome: TokenCallOutcome) => {
      if (this.#slow !== call) return
      this.#slow = null
      // It counts as failed already.
      if (outcome.kind !== 'failed') answered(outcome)
      this.#look()
    }
    const outcome = await callTokenProvider(
      this.#deps.getToken!,
      { reason, attempt: this.#failures + 1, limit: this.#limit, call, late },
      this.#deps.clock,
    )
    // Signed out or closed meanwhile: whatever came, it is too late.
    if (call.signal.aborted && this.#renewal?.call !== call) return
    if (outcome.kind === 'slow') this.#slow = call
    answered(outcome)
  }

  #take(
    token: string,
    from: { start: Instant; reason: TokenReason; ttl?: number | undefined; sessionTtl?: number | undefined },
  ) {
    const { reason, ttl, sessionTtl } = from
    if (sessionTtl !== undefined) this.#session.start(sessionTtl, from.start)
    // The provider has it cached. It is no older and no younger for that.
    const again = ttl === undefined && this.#grant?.token === token ? this.#grant : null
    if (again && !again.refused) return this.#takeAgain(again, reason)
    const lifetime = tokenLifetime(token, ttl, this.#deps.tokenRefresh?.lifetime)
    const next: Grant = {
      token,
      generation: this.#tabs.nextGeneration(this.#grant?.generation ?? 0),
      start: again ? again.start : from.start,
      reason,
      schedule: drawTokenSchedule(lifetime, this.#deps.tokenRefresh ?? {}, this.#deps.random),
      gap: callGap(lifetime),
      assumed: ttl === undefined && jwtLifetime(token) === undefined,
      cutShort: false,
      stillborn: false,
      acceptedAt: null,
      refused: false,
    }
    if (!this.#sameSubject(next.token)) return this.#end('subject-changed')
    this.#tabs.publish(this.#shared(next))
    this.#adopt(next)
  }

  /** Used while it lives, and asked for again in time. */
  #takeAgain(grant: Grant, reason: TokenReason) {
    const rest = grant.schedule.dead - since(this.#deps.clock, grant.start)
    if (rest <= 0)
      return this.#fail(
        reason,
        new LiveSocketError(
          'invalid',
          explain`getToken answered the token that has just expired; let it fetch a new one`,
        ),
      )
    this.#failures = 0
    this.#pause.start(tokenRetryDelay({ failures: 0, left: rest }, this.#deps.random))
  }

  /** A token from another tab. */
  #hear(news: TabToken) {
    const { token, generation, start, reason, schedule, sessionLeft } = news
    if (generation > (this.#grant?.generation ?? 0) && since(this.#deps.clock, start) < schedule.dead) {
      if (!this.#sameSubject(token)) return this.#end('subject-changed')
      if (sessionLeft !== undefined) this.#session.start(sessionLeft)
      this.#lastCall = start
      this.#adopt({
        token,
        generation,
        start,
        reason,
        schedule,
        assumed: false,
        gap: callGap(schedule.lifetime),
        cutShort: false,
        stillborn: false,
        acceptedAt: null,
        refused: false,
      })
      this.#tabs.heard()
    }
    this.#look()
  }

  /**
   * A token that has just come, and that a server took and called as good as dead: one of the two clocks is wrong, and
   * another token would fare no better. So its word changes nothing of when this one is used; it is a failure, and the
   * next call waits as after one.
   */
  #bornDead(grant: Grant, left: number) {
    grant.stillborn = true
    const delay = Math.max(MIN_GAP, tokenRetryDelay({ failures: this.#stillborn++, left: 0 }, this.#deps.random))
    this.#wanted ??= 'requested'
    this.#pause.extend(delay)
    const error = new LiveSocketError(
      'invalid',
      explain`the server says of a token that has just come that it lives ${left} ms more; compare the clocks of server and token service`,
    )
    this.#handlers.failed({ reason: 'requested', error, retryIn: delay })
    this.#look()
  }

  #sameSubject(token: string) {
    const before = this.#grant && tokenSubject(this.#grant.token)
    const subject = tokenSubject(token)
    return !before || !subject || before === subject
  }

  #adopt(next: Grant) {
    if (!this.#grant?.refused) this.#refusals = 0
    this.#grant = next
    this.#tokens = [next.token, ...this.#tokens].slice(0, KEPT_TOKENS)
    this.#wanted = null
    this.#failures = this.#dropped = 0
    this.#slow?.abort()
    this.#slow = null
    this.#heldOffline = false
    this.#pause.stop()
    this.#renewal?.turn.abort()
    this.#waiters.give(next.token)
    this.#handlers.fresh(next.token)
    this.#handlers.refreshed({ reason: next.reason, lifetime: next.schedule.lifetime })
  }

  #fail(reason: TokenReason, error: unknown, retryAfter?: number) {
    const rest = this.#usable(this.#grant) ? this.#grant.schedule.dead - since(this.#deps.clock, this.#grant.start) : 0
    const delay = tokenRetryDelay(
      { failures: this.#failures, left: rest, ...(retryAfter === undefined ? {} : { retryAfter }) },
      this.#deps.random,
    )
    // Without a network nobody was asked, and a failure says nothing of the token service; one that says when to come
    // back was reached.
    this.#heldOffline = !this.#online && retryAfter === undefined
    if (this.#heldOffline) this.#lastCall = null
    else this.#failures++
    this.#wanted ??= reason
    this.#pause.start(delay)
    this.#tabs.wait(this.#failures, delay)
    this.#handlers.failed({ reason, error, retryIn: delay })
  }

  #end(reason: string, where: 'here' | 'elsewhere' = 'here') {
    if (this.#over !== null) return
    reason = redactedText(reason, this.#tokens)
    if (where === 'here') this.#tabs.endSession(reason)
    this.#finish(reason, explain`the login session has ended (${reason}); sign in and connect again`)
    this.#handlers.ended(reason)
  }

  #finish(why: string, message: string) {
    this.#over = why
    this.#alarm.clear()
    this.#grant = null
    this.#tokens = []
    this.#drop()
    this.#tabs.leave(true)
    this.#waiters.refuse(new LiveSocketError('closed', explain`There is no token to be had: ${message}`))
    this.#tell(this.#currentState())
  }

  #drop() {
    const calls = [this.#renewal?.turn, this.#renewal?.call, this.#slow]
    this.#renewal = this.#slow = null
    for (const call of calls) call?.abort()
  }

  #currentState(): TokenState {
    if (this.#over !== null || this.#resting)
      return { status: this.#over === null ? 'none' : 'ended', refreshAt: null, expiresAt: null }
    const status = this.#renewal ? 'refreshing' : !this.#grant ? 'none' : this.#usable(this.#grant) ? 'valid' : 'stale'
    if (!this.#grant) return { status, refreshAt: null, expiresAt: null }
    const born = this.#deps.clock.now() - since(this.#deps.clock, this.#grant.start)
    const planned =
      this.#wanted === null
        ? born + refreshDue(this.#grant.schedule, this.#wasHidden)
        : this.#deps.clock.now() + Math.max(0, this.#pause.left, this.#gapLeft())
    return {
      status,
      refreshAt: this.#deps.getToken && !this.#renewal ? planned : null,
      expiresAt: born + this.#grant.schedule.lifetime,
    }
  }

  open(): boolean {
    if (this.#over !== null) return false
    this.#resting = false
    this.#tabs.join()
    return this.#tabs.over() === null
  }

  get #online(): boolean {
    return this.#deps.online?.() ?? true
  }

  get #hidden(): boolean {
    return this.#deps.hidden?.() ?? false
  }

  get #limit(): number {
    return this.#deps.tokenRefresh?.timeout ?? PROVIDER_LIMIT
  }
}
