import { instant, since, type Instant } from '../base/clock.js'
import { ALONE } from '../host/tabs.js'
import { readTokenNews, type SharedToken, type TokenNews, type TokenReason } from '../policy/token-news.js'
import type { TokenSchedule } from '../policy/token-schedule.js'
import type { TokenKeeperDeps } from './token-part.js'

/**
 * A token as it is told: `start` is when its request started, `sessionLeft` how long the login session lasts from now
 * on.
 */
export interface TabToken {
  readonly generation: number
  readonly token: string
  readonly reason: TokenReason
  readonly start: Instant
  readonly schedule: TokenSchedule
  readonly sessionLeft?: number | undefined
}

export interface TokenTabsHandlers {
  /** Another tab has a token of that generation, or 0 for none, and wants a newer one. */
  asked(generation: number): void
  arrived(token: TabToken): void
  /** Another tab's call failed, so many in a row; nobody is to call for `delay` ms. */
  failedElsewhere(failures: number, delay: number): void
  endedElsewhere(reason: string): void
}

/** How long other tabs have to answer a question. They need a few milliseconds; a lonely tab waits for all of it. */
const ANSWER_LIMIT = 150

/** How long news can be on its way to a busy tab. Ten real ones that open on two cores are busy for 3 s. */
const NEWS_LIMIT = 5_000

/** Storage holds numbers only: what is left of the reason for a tab that did not hear it. */
const ENDED = { signedOut: 1, otherwise: 2 }

/** A tab that has not looked for so long may have stood still. Timers of a hidden one run once a minute. */
const STOOD_STILL = 90_000

/**
 * The tabs and workers of one browser that live on one token, seen from one of them. Without `Tabs`, or a key, this one
 * is alone.
 */
export class TokenTabs {
  readonly #deps: Pick<TokenKeeperDeps, 'clock' | 'tabs' | 'key'>
  readonly #handlers: TokenTabsHandlers
  #group = ALONE
  /** Names the login session, for all tabs: the moment at which it began. 0: not known. */
  #session = 0
  /** Others find the number in storage. Where there is none (in a worker) it is what they say. */
  #stored = false
  #lookedAt: Instant | null = null
  /** Something may have been said that this tab has not heard. */
  #missed = false
  /** Ends each wait for an answer. */
  #questions: readonly (() => void)[] = []
  /** Ends the time for which the turn is kept. */
  #handBack: (() => void) | null = null

  constructor(deps: Pick<TokenKeeperDeps, 'clock' | 'tabs' | 'key'>, handlers: TokenTabsHandlers) {
    this.#deps = deps
    this.#handlers = handlers
  }

  /** Again after `leave`: in the same login session, unless that is `over`. */
  join(): void {
    const { tabs, key } = this.#deps
    if (this.#group !== ALONE || !tabs || !key) return
    const group = tabs.join(`livesocket:${key}`)
    if (group.alone) return
    this.#group = group
    if (this.#session === 0) {
      if (group.read('session') === 0) group.write('session', Math.max(1, Math.floor(this.#deps.clock.now())))
      this.#session = group.read('session')
      this.#stored = this.#session > 0
    }
    group.listen((message) => this.#hear(message))
  }

  /**
   * Why another tab has ended the login session, also one whose word this tab slept through or has not heard yet; null:
   * none has. Who has missed what was said, and finds that the storage was cleared meanwhile, takes that for a
   * sign-out, of which it is a part.
   */
  over(): string | null {
    if (!this.#stored || this.#group === ALONE) return null
    const { clock } = this.#deps
    const unheard = this.#missed || (this.#lookedAt !== null && since(clock, this.#lookedAt) > STOOD_STILL)
    this.#missed = false
    this.#lookedAt = instant(clock)
    const seen = this.#group.read('session')
    if (seen === this.#session) return null
    const reason = this.#onRecord()
    if (reason !== null) return reason
    // The storage was cleared, and nothing in it says why.
    if (unheard) return 'signed-out'
    if (seen === 0) this.#group.write('session', this.#session)
    else this.#session = seen
    return null
  }

  /**
   * Whether some tab may have a newer token than the one of `generation`, by what they left in storage; true where
   * there is none.
   */
  mayHaveNewer(generation: number): boolean {
    const group = this.#group
    return (
      (group !== ALONE && !this.#stored) ||
      (group.read('generation') > generation && group.read('until') > this.#deps.clock.now())
    )
  }

  nextGeneration(present: number): number {
    return Math.max(present, this.#group.read('generation')) + 1
  }

  /**
   * Takes turns with the other tabs; see `TabGroup.exclusively`. Where `work` says that it brought a token, the turn is
   * kept for 5 s more, or until `handBack`: the news of it can be slower than the turn, and busy tabs do not answer in
   * time, but who waits for a turn calls nobody.
   */
  exclusively(work: (contended: boolean) => Promise<boolean>, signal: AbortSignal): Promise<void> {
    this.handBack()
    return new Promise((resolve, reject) => {
      let begun = false
      // The browser may never answer at all: whose time is up waits no longer, and does nothing when the turn comes.
      signal.addEventListener('abort', () => begun || reject(signal.reason as Error), { once: true })
      const turn = this.#group.exclusively(async (contended) => {
        if (signal.aborted) return
        begun = true
        const brought = await work(contended)
        resolve()
        if (brought && this.#group !== ALONE) await this.#keepTurn()
      }, signal)
      turn.catch(reject)
    })
  }

  handBack(): void {
    this.#handBack?.()
  }

  /** Asks the others for what is newer than `generation`; resolves when it is `heard`, or after 150 ms. */
  askOthers(generation: number): Promise<void> {
    if (this.#group === ALONE) return Promise.resolve()
    return new Promise((resolve) => {
      const answered = () => {
        cancel()
        this.#questions = this.#questions.filter((question) => question !== answered)
        resolve()
      }
      const cancel = this.#deps.clock.setTimeout(answered, ANSWER_LIMIT)
      this.#questions = [...this.#questions, answered]
      this.#post({ kind: 'ask', session: this.#session, generation })
    })
  }

  heard(): void {
    for (const answered of this.#questions) answered()
  }

  share({ generation, token, reason, start, schedule }: TabToken, sessionLeft: number | undefined): void {
    const { clock } = this.#deps
    const age = since(clock, start)
    const ends = sessionLeft === undefined ? undefined : { sessionLeft }
    const session = this.#session
    this.#post({ kind: 'token', session, generation, token, reason, age, at: clock.now(), schedule, ...ends })
  }

  /** A token that this tab fetched: told, and its number and end noted for tabs to come. */
  publish(token: TabToken, sessionLeft: number | undefined): void {
    const { clock } = this.#deps
    this.#group.write('generation', token.generation)
    this.#group.write('until', Math.ceil(clock.now() + token.schedule.dead - since(clock, token.start)))
    this.share(token, sessionLeft)
  }

  wait(failures: number, delay: number): void {
    this.#post({ kind: 'wait', session: this.#session, failures, delay })
  }

  /** Ends the login session in every tab. */
  endSession(reason: string): void {
    // A sign-out that this tab has slept through is not to be counted twice: somebody may be signed in again.
    if (this.#onRecord() !== null) return
    // The number reaches tabs that sleep through the news. It is a time, so that it rises even where storage was
    // cleared.
    const next = Math.max(this.#session + 1, Math.floor(this.#deps.clock.now()))
    this.#group.write('ended', reason === 'signed-out' ? ENDED.signedOut : ENDED.otherwise)
    this.#group.write('session', next)
    this.#group.write('until', 0)
    this.#post({ kind: 'ended', session: next, reason })
  }

  /** This tab hears nothing from now on, and may stand still at any moment. */
  suspend(): void {
    this.#missed = true
    this.handBack()
  }

  /**
   * What is said from here on is missed, but for those who could not read up on it: they go on listening, unless it is
   * for `good`.
   */
  leave(good: boolean): void {
    this.heard()
    this.handBack()
    if (!good && !this.#stored) return
    this.#missed = true
    this.#group.leave()
    this.#group = ALONE
  }

  #post(news: TokenNews) {
    this.#group.post(news)
  }

  /** What storage says of the end of this login session. */
  #onRecord(): string | null {
    const seen = this.#group.read('session')
    const ended = seen === this.#session ? 0 : this.#group.read('ended')
    return seen === 0 || ended === 0 ? null : ended === ENDED.otherwise ? 'ended in another tab' : 'signed-out'
  }

  #hear(message: unknown) {
    const handlers = this.#handlers
    const news = readTokenNews(message)
    if (!news) return
    if (news.kind === 'ended') {
      if (news.session > this.#session) handlers.endedElsewhere(news.reason)
      return
    }
    const reason = this.over()
    if (reason !== null) return handlers.endedElsewhere(reason)
    if (!this.#stored) this.#session = Math.max(this.#session, news.session)
    // Who has no storage to know the session by asks, and answers, for the present one.
    if (news.session !== this.#session && news.session !== 0) return
    if (news.kind === 'ask') handlers.asked(news.generation ?? 0)
    else if (news.kind === 'wait') handlers.failedElsewhere(news.failures, news.delay)
    else handlers.arrived(this.#received(news))
  }

  /** While a tab is frozen news waits for it, and the token in it grows older. Monotonic clocks differ between tabs. */
  #received(news: SharedToken): TabToken {
    const { clock } = this.#deps
    const underWay = Math.max(0, clock.now() - news.at)
    const age = news.age + underWay
    return {
      ...news,
      start: { wall: clock.now() - age, monotonic: clock.monotonic() - age },
      sessionLeft: news.sessionLeft === undefined ? undefined : Math.max(0, news.sessionLeft - underWay),
    }
  }

  #keepTurn(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#deps.clock.setTimeout(() => this.handBack(), NEWS_LIMIT)
      this.#handBack = () => {
        cancel()
        this.#handBack = null
        resolve()
      }
    })
  }
}
