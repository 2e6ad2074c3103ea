import { explain } from '../base/explanation.js'
import { instant, type Instant } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { createPeriod, type Period } from '../base/period.js'
import { readTokenAnswer, type TokenAnswer } from '../policy/token-answer.js'
import type { TokenReason } from '../policy/token-news.js'
import { MIN_GAP, refreshDue, tokenRetryDelay } from '../policy/token-schedule.js'
import type { TokenGrant } from './token-grant.js'
import type { TokenKeeperDeps, TokenKeeperHandlers } from './token-part.js'
import { TokenTabs } from './token-tabs.js'

/** The longest timer, in ms: a timer set before a sleep would be late by the length of the sleep. */
export const LONGEST_TIMER = 60_000
/** Overdue by more than a throttled timer explains, in ms: the machine slept. */
const OVERSLEPT = 60_000
/**
 * The jitter after a wake or a return of the network, in ms, since all machines of a building do that at one instant. A
 * hidden page gets more, because no user is waiting for it.
 */
const CROWD_JITTER = 1_000
const HIDDEN_JITTER = 10_000
/**
 * After this many calls dropped by closing the socket, the least gap between two calls applies. Otherwise code that
 * closes and connects while calls are under way would make any number of them in vain.
 */
const CALLS_DROPPED = 3
/**
 * How long a tab waits for its turn, in ms: another tab, frozen in the middle of a fetch, may never give the turn back.
 * Longer if calls may take longer.
 */
const TURN_LIMIT = 8_000
/** The longest that another tab can make this one wait, in ms: more than a `retryAfter` of an hour leads to. */
const LONGEST_PAUSE = 7_200_000

/**
 * Decides when to call the token provider: in time, not too often, and later after each failure. Also makes the calls:
 * one at a time, and only one over all tabs.
 */
export abstract class TokenRenewal extends TokenTabs {
  /** Why the provider must be called: set from the moment the call is due until a token arrives. */
  wanted: TokenReason | null = null
  failures = 0
  /**
   * The provider is not called while this lasts: after a token for the least gap between two calls, after a failure
   * longer.
   */
  readonly pause: Period
  /** How many calls in a row were dropped because the live socket was closed. */
  #dropped = 0
  /** A call that was due waits for the network. */
  #heldOffline = false
  /** Aborts the renewal under way: its wait for the turn, or for an answer. */
  #current: AbortController | null = null
  /** Aborts the call whose answer is wanted, even if it arrives late. */
  #call: AbortController | null = null
  /** How many times in a row the turn did not come. */
  #turnsMissed = 0

  constructor(deps: TokenKeeperDeps) {
    super(deps)
    this.pause = createPeriod(deps.clock)
  }

  protected abstract readonly handlers: Pick<TokenKeeperHandlers, 'failed'>
  /** The provider answered a call that began at `start`. */
  protected abstract answered(answer: TokenAnswer, reason: TokenReason, start: Instant): void
  abstract redactedError(thrown: unknown, who: string): unknown

  get underWay(): boolean {
    return this.#current !== null
  }

  /** The network is back, and a call is waiting for it. */
  get backOnline(): boolean {
    return this.#heldOffline && this.deps.online()
  }

  /** Milliseconds until the provider is to be called. Sets `wanted` as soon as there is a reason. */
  due(waiting: boolean, hidden: boolean): number {
    const { grant } = this
    const spread = () => this.pause.start(this.deps.random() * (hidden ? HIDDEN_JITTER : CROWD_JITTER))
    if (this.underWay || !this.deps.getToken) return Infinity
    if (this.wanted === null) {
      if (grant) {
        const late = grant.age - refreshDue(grant.schedule, hidden)
        if (late < 0) return -late
        this.wanted = late > OVERSLEPT ? 'wake' : grant.cutShort ? 'requested' : 'scheduled'
        if (this.wanted === 'wake' && !waiting) spread()
      } else {
        if (!waiting) return Infinity
        this.wanted = 'first'
      }
    }
    if (!this.deps.online()) {
      // Being offline is a hint, not the truth. With a usable token there is time to wait for the network; without one,
      // calls go on at the usual pace.
      if (this.pause.left <= 0) this.#heldOffline = true
      if (grant?.usable || !waiting) return LONGEST_TIMER
    } else if (this.#heldOffline) {
      this.#heldOffline = false
      spread()
    }
    return this.pause.left
  }

  /** Calls the provider when it is this tab's turn, unless another tab has announced a token or a failure by then. */
  async renew(): Promise<void> {
    const { clock, random, tokenRefresh } = this.deps
    const mine = (this.#current = new AbortController())
    const settled = () => this.#current !== mine || this.wanted === null || this.pause.left > 0
    const cancel = clock.setTimeout(() => mine.abort(), Math.max(TURN_LIMIT, tokenRefresh.timeout - 2_000))
    this.post({ kind: 'ask', generation: this.generation })
    try {
      await this.turn(mine.signal)
      this.#turnsMissed = 0
    } catch {
      // The turn did not come. With a usable token there is time to wait, once. Without one, a second call costs less
      // than having no token.
      if (!settled() && this.grant?.usable && this.#turnsMissed++ === 0) this.pause.start(5_000 + random() * 10_000)
    }
    cancel()
    const calls = !settled()
    if (calls) await this.#ask(this.wanted!)
    if (this.#current !== mine) return
    if (calls) this.keepTurn()
    else this.handBack()
    this.#current = null
    this.look()
  }

  /** A token has arrived, from a call that began at `asked`: waits for a turn or for an answer end. */
  satisfied({ gap }: TokenGrant, asked: Instant): void {
    this.wanted = null
    // A token that was dead on arrival is no success.
    if (!this.grant?.stillborn) this.failures = 0
    this.#dropped = 0
    this.#heldOffline = false
    this.pause.start(gap, asked)
    this.#forget()
  }

  /** A call failed, or its answer was useless: the next call waits, in every tab. */
  failed(reason: TokenReason, thrown: unknown): void {
    const error = this.redactedError(thrown, 'getToken')
    const retryIn = this.#backOff(reason, thrown instanceof LiveSocketError ? thrown.retryAfter : undefined)
    this.post({ kind: 'wait', failures: this.failures, delay: retryIn })
    this.handlers.failed({ reason, error, retryIn })
  }

  /**
   * The provider returned the token in force again. It is used while it lives, and a new one is requested at the pace
   * of failures.
   */
  cached({ left, gap }: TokenGrant, reason: TokenReason): void {
    if (left > 0) this.#backOff(reason, gap)
    else {
      const message = explain`getToken returned the token that has just expired; let it fetch a new one`
      this.failed(reason, new LiveSocketError('invalid', message))
    }
  }

  /** Another tab's call failed, so many in a row: no tab calls for `delay` ms. */
  failedElsewhere(failures: number, delay: number): void {
    this.failures = Math.max(this.failures, failures)
    this.pause.extend(Math.min(delay, LONGEST_PAUSE))
    if (this.pause.left > 0) this.#current?.abort()
  }

  stop(): void {
    const turn = this.#current
    if (turn && ++this.#dropped >= CALLS_DROPPED) this.pause.extend(MIN_GAP)
    // Aborting runs code of the application that may request a token again, so no renewal may count as under way then.
    this.#current = null
    turn?.abort()
    this.#forget()
  }

  /** Resolves when the provider has answered, or at the time limit; an answer may still arrive after that. */
  #ask(reason: TokenReason): Promise<void> {
    const { clock, getToken, tokenRefresh } = this.deps
    const { timeout } = tokenRefresh
    const mine = this.#current
    this.#forget()
    // Aborting the previous call runs code of the application, which may sign out or close.
    if (this.#current !== mine) return Promise.resolve()
    const call = (this.#call = new AbortController())
    const start = instant(clock)
    return new Promise((resolve) => {
      let late = false
      const cancel = clock.setTimeout(() => {
        late = true
        const message = explain`getToken did not answer within ${timeout / 1_000} s (tokenRefresh.timeout) and is called again; an answer that arrives before that is still used`
        this.failed(reason, new LiveSocketError('timeout', message))
        resolve()
      }, timeout)
      const settle = (say?: () => void) => {
        cancel()
        resolve()
        if (this.#call !== call) return
        this.#call = null
        say?.()
        if (late) this.look()
      }
      call.signal.addEventListener('abort', () => settle())
      // In an async function a provider that throws at once counts as one that rejects.
      const ask = async () =>
        readTokenAnswer(await getToken!({ reason, attempt: this.failures + 1, signal: call.signal }))
      ask().then(
        (answer) => settle(() => this.answered(answer, reason, start)),
        // After the time limit the call already counts as failed.
        (error: unknown) => settle(() => late || this.failed(reason, error)),
      )
    })
  }

  /** Returns the delay of the next call. */
  #backOff(reason: TokenReason, retryAfter: number | undefined): number {
    const { grant } = this
    const left = grant?.usable ? grant.left : 0
    const delay = tokenRetryDelay({ failures: this.failures, left, retryAfter }, this.deps.random)
    // Without a network no call got through, and a failure says nothing about the token service. If the error says when
    // to come back, the service was reached.
    this.#heldOffline = !this.deps.online() && retryAfter === undefined
    if (!this.#heldOffline) this.failures++
    this.wanted ??= reason
    this.pause.start(delay)
    return delay
  }

  /** Answers still outstanding are no longer wanted: aborts the turn and the call. */
  #forget() {
    this.#current?.abort()
    const call = this.#call
    this.#call = null
    call?.abort()
  }
}
