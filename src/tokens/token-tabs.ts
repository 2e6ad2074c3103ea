import { createPeriod, type Period } from '../base/period.js'
import { browserTabs, type TabGroup } from '../host/tabs.js'
import { readTokenNews, type TokenNews } from '../policy/token-news.js'
import type { TokenGrant } from './token-grant.js'
import type { TokenKeeperDeps } from './token-part.js'

/**
 * How long, in ms, other tabs have to answer a question. They need a few milliseconds; a tab without others waits this
 * long.
 */
const ANSWER_LIMIT = 150

/** How long news may take to reach a busy tab, ms. Ten real tabs that open on two cores are busy for 3 s. */
const NEWS_LIMIT = 5_000

/**
 * The reason why a session ended, by the number in storage, for a tab that missed the message. Storage holds numbers
 * only; they start at 1.
 */
const ENDED = [null, 'signed-out', 'ended in another tab']

/** A tab that has not checked for this long, in ms, may have stood still. Timers of a hidden tab run once a minute. */
const STOOD_STILL = 90_000

/**
 * The tabs and workers of one browser that share one token, as seen from one of them. Without `Tabs` or a key this tab
 * is alone.
 */
export abstract class TokenTabs {
  protected readonly deps: TokenKeeperDeps
  /** The token in force. */
  protected grant: TokenGrant | null = null
  /** Null: this tab is alone, or has not joined. */
  #group: TabGroup | null = null
  /** Identifies the login session for all tabs: the time at which it began. 0: not known. */
  #session = 0
  /**
   * Other tabs can read the number in storage. Without storage (in a worker) the number is the one in their messages.
   */
  #stored = false
  /** Restarted at each check of the storage. Once it is over, this tab may have missed messages. */
  readonly #heard: Period
  /** Gives the turn back to the other tabs. */
  #turn: (() => void) | null = null
  /** Cancels the timer of a turn that is kept. */
  #kept: (() => void) | null = null

  constructor(deps: TokenKeeperDeps) {
    this.deps = deps
    this.#heard = createPeriod(deps.clock)
  }

  /** How long the login session still lasts, if that is known. */
  protected abstract readonly sessionLeft: number | undefined
  /** News from another tab about this login session. */
  protected abstract told(news: Exclude<TokenNews, { kind: 'ended' }>): void
  /** Ends the login session in this tab. `elsewhere`: another tab has ended it. */
  protected abstract end(reason: string, elsewhere?: boolean): void
  /** Checks whether anything is due, the end of the login session first. */
  protected abstract look(): void

  /** Joins the group. After `leave` this joins again, in the same login session unless that has ended. */
  join(): void {
    const { clock, tabs = browserTabs, key } = this.deps
    if (this.#group || !key) return
    const group = (this.#group = tabs.join(`livesocket:${key}`))
    if (!group) return
    if (this.#session === 0) {
      if (group.read('session') === 0) group.write('session', Math.max(1, Math.floor(clock.now())))
      this.#session = group.read('session')
      this.#stored = this.#session > 0
      this.#heard.start(STOOD_STILL)
    }
    group.listen((message) => this.#hear(message))
  }

  /**
   * Why another tab has ended the login session, even if this tab slept through the message or has not received it yet;
   * null: none has. If this tab may have missed messages, and the storage was cleared meanwhile, that counts as a
   * sign-out, since a sign-out clears storage. A repeated call gives the same result. Joins the group again after
   * `suspend`.
   */
  overElsewhere(): string | null {
    this.join()
    if (!this.#stored || !this.#group) return null
    const seen = this.#group.read('session')
    if (seen !== this.#session) {
      // Nothing on record says why the storage was cleared.
      const reason = this.#onRecord() ?? (this.#heard.left > 0 ? null : 'signed-out')
      if (reason !== null) return reason
      if (seen === 0) this.#group.write('session', this.#session)
      else this.#session = seen
    }
    this.#heard.start(STOOD_STILL)
    return null
  }

  /** The generation of the token in force; 0 if there is none. */
  protected get generation(): number {
    return this.grant?.generation ?? 0
  }

  nextGeneration(): number {
    return Math.max(this.generation, this.#read('generation')) + 1
  }

  /**
   * Resolves when it is this tab's turn (see `TabGroup.exclusively`) and news from the others has had time to arrive.
   * No other tab has a turn until `handBack`. Rejects if the turn has not come when `signal` fires, even if the browser
   * never answers.
   */
  async turn(signal: AbortSignal): Promise<void> {
    this.handBack()
    await new Promise<void>((resolve, reject) => {
      signal.addEventListener('abort', reject)
      const work = () =>
        new Promise<void>((handBack) => {
          if (signal.aborted) return handBack()
          this.#turn = handBack
          resolve()
        })
      if (this.#group) this.#group.exclusively(work, signal).catch(reject)
      else resolve()
    })
    if (this.#mayHaveNewer()) await this.#othersAnswered(signal)
  }

  /**
   * Keeps the turn for 5 s after a call, or until `handBack`. The news of the call's result can be slower than the
   * turn, and busy tabs do not answer in time, but a tab that waits for its turn calls no provider.
   */
  keepTurn(limit = NEWS_LIMIT): void {
    this.#kept?.()
    if (this.#turn) this.#kept = this.deps.clock.setTimeout(() => this.handBack(), limit)
  }

  handBack(): void {
    this.#kept?.()
    this.#turn?.()
    this.#kept = this.#turn = null
  }

  share({ given, age, schedule }: TokenGrant): void {
    const { token, generation, reason } = given
    const { sessionLeft } = this
    this.post({ kind: 'token', generation, token, reason, age, at: this.deps.clock.now(), schedule, sessionLeft })
  }

  /** Announces a token that this tab fetched, and stores its generation and end for tabs that open later. */
  publish(grant: TokenGrant): void {
    this.#group?.write('generation', grant.generation)
    this.#group?.write('until', Math.ceil(this.deps.clock.now() + grant.left))
    this.share(grant)
  }

  /** Ends the login session in every tab. */
  endSession(reason: string): void {
    this.join()
    // A sign-out that this tab slept through must not count twice: a user may have signed in again since.
    if (this.#onRecord() !== null) return
    // The stored number reaches tabs that sleep through the message. It is a time, so that it increases even if storage
    // was cleared.
    this.#session = Math.max(this.#session + 1, Math.floor(this.deps.clock.now()))
    this.#group?.write('ended', reason === 'signed-out' ? 1 : 2)
    this.#group?.write('session', this.#session)
    this.#group?.write('until', 0)
    this.post({ kind: 'ended', reason })
  }

  /** Posts to the other tabs. */
  post(news: Untold<TokenNews>): void {
    this.#group?.post({ ...news, session: this.#session })
  }

  /**
   * The page goes into the back/forward cache. It leaves the group, because browsers drop a page from that cache when a
   * message arrives for it. A call under way keeps its turn: most calls are answered before the page is frozen, and if
   * another tab fetched a second token, one of the two might be refused.
   */
  suspend(): void {
    if (this.#turn && !this.#kept) this.#heard.stop()
    else this.leave(false)
  }

  /**
   * Leaves the group and misses later messages. A tab without storage, which could not catch up, goes on listening
   * unless `good` says that it leaves permanently.
   */
  leave(good: boolean): void {
    // The end of the session is news too. And a new login in this tab waits for the same turn.
    if (good) this.keepTurn(ANSWER_LIMIT)
    else this.handBack()
    if (!good && !this.#stored) return
    this.#heard.stop()
    this.#group?.leave()
    this.#group = null
  }

  /**
   * Whether another tab may have a newer token than the one in force here, according to storage; true if there is no
   * storage.
   */
  #mayHaveNewer(): boolean {
    if (this.#group && !this.#stored) return true
    return this.#read('generation') > this.generation && this.#read('until') > this.deps.clock.now()
  }

  /** Resolves when all others have had time to answer a question, or when `signal` fires. */
  #othersAnswered(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.deps.clock.setTimeout(resolve, ANSWER_LIMIT)
      signal.addEventListener('abort', () => resolve())
    })
  }

  #read(label: string): number {
    return this.#group?.read(label) ?? 0
  }

  /** What storage says about the end of this login session. */
  #onRecord(): string | null {
    const seen = this.#read('session')
    return seen === 0 || seen === this.#session ? null : (ENDED[this.#read('ended')] ?? null)
  }

  #hear(message: unknown) {
    const news = readTokenNews(message)
    if (!news) return
    if (news.kind === 'ended') {
      if (news.session > this.#session) this.end(news.reason, true)
      return
    }
    if (this.overElsewhere() !== null) return this.look()
    if (!this.#stored) this.#session = Math.max(this.#session, news.session)
    // A tab without storage does not know the session, and its questions and answers (session 0) count for the current
    // one.
    if (news.session === this.#session || news.session === 0) this.told(news)
  }
}

/** Without the login session, which is always the current one. */
type Untold<News> = News extends TokenNews ? Omit<News, 'session'> : never
