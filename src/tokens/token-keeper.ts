import { explain } from '../base/explanation.js'
import { createAlarm } from '../base/alarm.js'
import { instant, since, type Clock, type Instant, type Random } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { createPeriod } from '../base/period.js'
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
import { createTokenTabs, type TabToken } from './token-tabs.js'
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
  const { clock, random, getToken, tokenRefresh = {}, online = () => true, hidden = () => false } = deps
  const limit = tokenRefresh.timeout ?? PROVIDER_LIMIT
  let over: string | null = null
  /** Nobody wants a token: the live socket is closed, or was never connected. */
  let resting = true
  let grant: Grant | null = null
  /** The newest ones: an error that comes late may quote the one before. */
  let tokens: readonly string[] = []
  /** Why the provider has to be called: kept from the moment it is due until a token is there. */
  let wanted: TokenReason | null = null
  let failures = 0
  let refusals = 0
  /** In a row, and not the provider's fault: tokens that a server called dead when they came. */
  let stillborn = 0
  /** In a row: calls that were given up because the live socket was closed. */
  let dropped = 0
  /** In a row: turns that did not come. */
  let turnsMissed = 0
  let lastCall: Instant | null = null
  /** Stops what the renewal under way is waiting for: its turn, or the provider. One at a time. */
  let renewal: { readonly turn: AbortController; readonly call: AbortController } | null = null
  /** A call that is past its limit, and whose answer is still wanted. */
  let slow: AbortController | null = null
  /** A call that was due waits for a network. */
  let heldOffline = false
  let wasHidden = false
  const waiters = createTokenWaiters()
  const tell = createStateTeller((state) => handlers.state(state))
  const alarm = createAlarm(clock, look)
  /** Nobody calls the provider while it lasts. */
  const pause = createPeriod(clock)
  const session = createPeriod(clock)
  const tabs = createTokenTabs(
    { clock, tabs: deps.tabs, key: deps.key ?? null },
    {
      asked(generation) {
        if (failures > 0 && pause.left > 0) tabs.wait(failures, pause.left)
        // Who answered with what the asking tab has would send it to the provider before the news of a newer one
        // arrives.
        if (usable(grant) && grant.generation > generation) tabs.share(shared(grant))
        else tabs.handBack()
      },
      token(news) {
        if (over === null) hear(news)
      },
      wait(others, delay) {
        failures = Math.max(failures, others)
        pause.extend(Math.min(delay, LONGEST_PAUSE))
        tabs.heard()
        look()
      },
      ended: (reason) => end(reason, 'elsewhere'),
    },
  )

  function usable(grant: Grant | null): grant is Grant {
    return grant !== null && !grant.refused && since(clock, grant.start) < grant.schedule.dead
  }

  function shared(grant: Grant): TabToken {
    return { ...grant, sessionLeft: session.running ? session.left : undefined }
  }

  /** Ends a session whose time is up, or that another tab has ended. */
  function stillOn(): boolean {
    const reason = tabs.over()
    if (reason !== null) end(reason, 'elsewhere')
    else if (session.running && session.left <= 0) end('session-expired')
    return over === null
  }

  /** Everything that can be due is looked at here, and only here. */
  function look() {
    if (over !== null || resting || !stillOn()) return
    alarm.clear()
    wasHidden = hidden()
    const wait = getToken && !renewal ? untilCall() : Infinity
    if (wait <= 0) void renew(wanted!)
    else if (grant || wait < Infinity)
      alarm.set(Math.ceil(Math.min(wait, LONGEST_TIMER, untilDeath(), session.running ? session.left : Infinity)))
    tell(currentState())
  }

  /** A token dies unseen if the next call is later. */
  function untilDeath(): number {
    const left = grant ? grant.schedule.dead - since(clock, grant.start) : 0
    return left > 0 ? left : Infinity
  }

  /** Milliseconds until the provider is to be called. Sets `wanted` as soon as there is a reason. */
  function untilCall(): number {
    if (wanted === null) {
      if (grant) {
        const late = since(clock, grant.start) - refreshDue(grant.schedule, wasHidden)
        if (late < 0) return -late
        wanted = late > OVERSLEPT ? 'wake' : grant.cutShort ? 'requested' : 'scheduled'
        if (wanted === 'wake' && waiters.size === 0)
          pause.start(random() * (wasHidden ? WAKE_JITTER.hidden : WAKE_JITTER.visible))
      } else {
        if (waiters.size === 0) return Infinity
        wanted = 'first'
      }
    }
    if (!online()) {
      // A hint, not the truth: who has a token can wait for better news, who needs one tries at the usual pace.
      if (pause.left <= 0) heldOffline = true
      if (usable(grant) || waiters.size === 0) return LONGEST_TIMER
    } else if (heldOffline) {
      heldOffline = false
      pause.start(random() * ONLINE_JITTER)
    }
    return Math.max(0, pause.left, gapLeft())
  }

  /**
   * The minimum gap is for calls with a new reason. A failed call's repetition follows the retry rule, and the one call
   * after a refusal is made at once: a second refusal ends the session, so that cannot become a loop.
   */
  function gapLeft(): number {
    if (!lastCall || wanted === 'rejected') return 0
    if (dropped >= CALLS_DROPPED) return MIN_GAP - since(clock, lastCall)
    return grant && failures === 0 ? grant.gap - since(clock, lastCall) : 0
  }

  async function renew(reason: TokenReason) {
    const seen = grant?.generation ?? 0
    const mine = (renewal = { turn: new AbortController(), call: new AbortController() })
    const { turn, call } = mine
    const renewed = () => (grant?.generation ?? 0) > seen
    /** Another tab has got a token or a failure meanwhile, or nobody wants one any more. */
    const settled = () => renewal !== mine || renewed() || pause.left > 0
    const cancel = clock.setTimeout(() => turn.abort(), Math.max(TURN_LIMIT, limit - 2_000))
    void tabs.ask(seen)
    try {
      await tabs.exclusively(async (contended) => {
        cancel()
        turnsMissed = 0
        // Who had the turn just before may have told of a token a moment ago, and the news be still on its way.
        if (!settled() && (contended || tabs.mayHaveNewer(seen))) await tabs.ask(seen)
        if (settled()) return false
        await askProvider(reason, call)
        return renewed()
      }, turn.signal)
    } catch {
      // The turn did not come. With a token in hand there is time, once; without one a second call costs less than no
      // token.
      if (!settled() && usable(grant) && turnsMissed++ === 0) pause.start(5_000 + random() * 10_000)
      if (!settled()) await askProvider(reason, call)
    }
    cancel()
    if (renewal !== mine) return
    renewal = null
    look()
  }

  async function askProvider(reason: TokenReason, call: AbortController) {
    const start = (lastCall = instant(clock))
    slow?.abort()
    slow = null
    const answered = (outcome: TokenCallOutcome) => {
      if (outcome.kind === 'ended') end(outcome.reason)
      else if (outcome.kind === 'token')
        take(outcome.token, { start, reason, ttl: outcome.ttl, sessionTtl: outcome.sessionTtl })
      else
        fail(
          reason,
          redactedError(outcome.error, tokens, 'getToken'),
          outcome.kind === 'failed' ? outcome.retryAfter : undefined,
        )
    }
    const late = (outcome: TokenCallOutcome) => {
      if (slow !== call) return
      slow = null
      // It counts as failed already.
      if (outcome.kind !== 'failed') answered(outcome)
      look()
    }
    const outcome = await callTokenProvider(getToken!, { reason, attempt: failures + 1, limit, call, late }, clock)
    // Signed out or closed meanwhile: whatever came, it is too late.
    if (call.signal.aborted && renewal?.call !== call) return
    if (outcome.kind === 'slow') slow = call
    answered(outcome)
  }

  function take(
    token: string,
    from: { start: Instant; reason: TokenReason; ttl?: number | undefined; sessionTtl?: number | undefined },
  ) {
    const { reason, ttl, sessionTtl } = from
    if (sessionTtl !== undefined) session.start(sessionTtl, from.start)
    // The provider has it cached. It is no older and no younger for that.
    const again = ttl === undefined && grant?.token === token ? grant : null
    if (again && !again.refused) return takeAgain(again, reason)
    const lifetime = tokenLifetime(token, ttl, tokenRefresh.lifetime)
    const next: Grant = {
      token,
      generation: tabs.nextGeneration(grant?.generation ?? 0),
      start: again ? again.start : from.start,
      reason,
      schedule: drawTokenSchedule(lifetime, tokenRefresh, random),
      gap: callGap(lifetime),
      assumed: ttl === undefined && jwtLifetime(token) === undefined,
      cutShort: false,
      stillborn: false,
      acceptedAt: null,
      refused: false,
    }
    if (!sameSubject(next.token)) return end('subject-changed')
    tabs.publish(shared(next))
    adopt(next)
  }

  /** Used while it lives, and asked for again in time. */
  function takeAgain(grant: Grant, reason: TokenReason) {
    const rest = grant.schedule.dead - since(clock, grant.start)
    if (rest <= 0)
      return fail(
        reason,
        new LiveSocketError(
          'invalid',
          explain`getToken answered the token that has just expired; let it fetch a new one`,
        ),
      )
    failures = 0
    pause.start(tokenRetryDelay({ failures: 0, left: rest }, random))
  }

  /** A token from another tab. */
  function hear(news: TabToken) {
    const { token, generation, start, reason, schedule, sessionLeft } = news
    if (generation > (grant?.generation ?? 0) && since(clock, start) < schedule.dead) {
      if (!sameSubject(token)) return end('subject-changed')
      if (sessionLeft !== undefined) session.start(sessionLeft)
      lastCall = start
      adopt({
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
      tabs.heard()
    }
    look()
  }

  /**
   * A token that has just come, and that a server took and called as good as dead: one of the two clocks is wrong, and
   * another token would fare no better. So its word changes nothing of when this one is used; it is a failure, and the
   * next call waits as after one.
   */
  function bornDead(grant: Grant, left: number) {
    grant.stillborn = true
    const delay = Math.max(MIN_GAP, tokenRetryDelay({ failures: stillborn++, left: 0 }, random))
    wanted ??= 'requested'
    pause.extend(delay)
    const error = new LiveSocketError(
      'invalid',
      explain`the server says of a token that has just come that it lives ${left} ms more; compare the clocks of server and token service`,
    )
    handlers.failed({ reason: 'requested', error, retryIn: delay })
    look()
  }

  function sameSubject(token: string) {
    const before = grant && tokenSubject(grant.token)
    const subject = tokenSubject(token)
    return !before || !subject || before === subject
  }

  function adopt(next: Grant) {
    if (!grant?.refused) refusals = 0
    grant = next
    tokens = [next.token, ...tokens].slice(0, KEPT_TOKENS)
    wanted = null
    failures = dropped = 0
    slow?.abort()
    slow = null
    heldOffline = false
    pause.stop()
    renewal?.turn.abort()
    waiters.give(next.token)
    handlers.fresh(next.token)
    handlers.refreshed({ reason: next.reason, lifetime: next.schedule.lifetime })
  }

  function fail(reason: TokenReason, error: unknown, retryAfter?: number) {
    const rest = usable(grant) ? grant.schedule.dead - since(clock, grant.start) : 0
    const delay = tokenRetryDelay({ failures, left: rest, ...(retryAfter === undefined ? {} : { retryAfter }) }, random)
    // Without a network nobody was asked, and a failure says nothing of the token service; one that says when to come
    // back was reached.
    heldOffline = !online() && retryAfter === undefined
    if (heldOffline) lastCall = null
    else failures++
    wanted ??= reason
    pause.start(delay)
    tabs.wait(failures, delay)
    handlers.failed({ reason, error, retryIn: delay })
  }

  function end(reason: string, where: 'here' | 'elsewhere' = 'here') {
    if (over !== null) return
    reason = redactedText(reason, tokens)
    if (where === 'here') tabs.endSession(reason)
    finish(reason, explain`the login session has ended (${reason}); sign in and connect again`)
    handlers.ended(reason)
  }

  function finish(why: string, message: string) {
    over = why
    alarm.clear()
    grant = null
    tokens = []
    drop()
    tabs.leave(true)
    waiters.refuse(new LiveSocketError('closed', explain`There is no token to be had: ${message}`))
    tell(currentState())
  }

  function drop() {
    const calls = [renewal?.turn, renewal?.call, slow]
    renewal = slow = null
    for (const call of calls) call?.abort()
  }

  function currentState(): TokenState {
    if (over !== null || resting) return { status: over === null ? 'none' : 'ended', refreshAt: null, expiresAt: null }
    const status = renewal ? 'refreshing' : !grant ? 'none' : usable(grant) ? 'valid' : 'stale'
    if (!grant) return { status, refreshAt: null, expiresAt: null }
    const born = clock.now() - since(clock, grant.start)
    const planned =
      wanted === null ? born + refreshDue(grant.schedule, wasHidden) : clock.now() + Math.max(0, pause.left, gapLeft())
    return { status, refreshAt: getToken && !renewal ? planned : null, expiresAt: born + grant.schedule.lifetime }
  }

  function open(): boolean {
    if (over !== null) return false
    resting = false
    tabs.join()
    return tabs.over() === null
  }

  return {
    async token(signal) {
      if (over === null && resting) open()
      if (!stillOn()) throw new LiveSocketError('closed', explain`There is no token to be had: ${over}`)
      if (!signal.aborted && usable(grant)) {
        const { token } = grant
        look()
        return token
      }
      if (!signal.aborted && !getToken) return undefined
      const next = waiters.wait(signal)
      look()
      return next
    },
    accepted(token, ttl) {
      if (over !== null) return
      if (!getToken) refusals = 0
      if (!grant || token !== grant.token) return
      grant.acceptedAt ??= instant(clock)
      if (ttl === undefined || !(ttl >= 0)) return
      const age = since(clock, grant.start)
      if (grant.stillborn) return
      if (age < grant.gap && ttl < grant.gap && ttl < (grant.schedule.lifetime - age) / 2) return bornDead(grant, ttl)
      if (age < grant.gap) stillborn = 0
      // What a server says is left is a word on the token's end, not a new token. It knows less than who issued it,
      // unless it is going to end things sooner.
      const more = ttl - (grant.schedule.lifetime - age)
      if (Math.abs(more) <= SAME_END || (more > 0 && !grant.assumed)) return
      grant.schedule = scheduleByServer(grant.schedule, age, ttl)
      grant.cutShort ||= more < 0
      look()
    },
    rejected(token) {
      if (over !== null) return
      if (getToken || token !== undefined) {
        if (!grant || token !== grant.token || grant.refused) return
        if (grant.acceptedAt && since(clock, grant.acceptedAt) >= PROVEN) refusals = 0
        grant.refused = true
        wanted = 'rejected'
      }
      if (++refusals >= 2) end('token-refused')
      else look()
    },
    request() {
      if (over !== null || !grant) return
      wanted ??= 'requested'
      look()
    },
    push(token, ttl) {
      if (over !== null || token === grant?.token) return
      const problem = tokenProblem(token)
      if (problem === null) take(token, { start: instant(clock), reason: 'requested', ttl })
      else {
        const error = new LiveSocketError('invalid', explain`the server pushed a token that ${problem}`)
        handlers.failed({ reason: 'requested', error, retryIn: alarm.left ?? 0 })
      }
      look()
    },
    open,
    redactedError: (thrown, who) => redactedError(thrown, tokens, who),
    check() {
      if (over !== null || resting || !stillOn()) return
      if ((heldOffline && online()) || wasHidden !== hidden()) look()
    },
    suspend: tabs.suspend,
    signOut(reason = 'signed-out') {
      if (over !== null) return
      tabs.join()
      tabs.endSession(reason)
      finish('signed-out', 'signed out')
    },
    rest() {
      if (over !== null || resting) return
      resting = true
      alarm.clear()
      if (renewal) dropped++
      drop()
      tabs.leave(false)
      waiters.refuse(new LiveSocketError('closed', explain`There is no token to be had: the live socket was closed`))
      tell(currentState())
    },
  }
}
