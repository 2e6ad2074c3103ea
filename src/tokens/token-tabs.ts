import { createPeriod, type Period } from '../base/period.js'
import { browserTabs, type TabGroup } from '../host/tabs.js'
import { readTokenNews, type TokenNews } from '../policy/token-news.js'
import type { TokenGrant } from './token-grant.js'
import type { TokenKeeperDeps } from './token-part.js'

/** How long other tabs have to answer a question. They need a few milliseconds; a lonely tab waits for all of it. */
const ANSWER_LIMIT = 150

/** How long news can be on its way to a busy tab. Ten real ones that open on two cores are busy for 3 s. */
const NEWS_LIMIT = 5_000

/** Storage holds numbers only: what is left of the reason for a tab that did not hear it. By the number, from 1 on. */
const ENDED = [null, 'signed-out', 'ended in another tab']

/** A tab that has not looked for so long may have stood still. Timers of a hidden one run once a minute. */
const STOOD_STILL = 90_000

/**
 * The tabs and workers of one browser that live on one token, seen from one of them. Without `Tabs`, or a key, this one
 * is alone.
 */
export abstract class TokenTabs {
  protected readonly deps: TokenKeeperDeps
  /** The token in force. */
  protected grant: TokenGrant | null = null
  /** Null: this tab is alone, or has not joined. */
  #group: TabGroup | null = null
  /** Names the login session, for all tabs: the moment at which it began. 0: not known. */
  #session = 0
  /** Others find the number in storage. Where there is none (in a worker) it is what they say. */
  #stored = false
  /** Runs from each look at what others have left in storage: once it is over this tab may have missed what was said. */
  readonly #heard: Period
  /** Gives the turn back to the other tabs. */
  #turn: (() => void) | null = null
  /** Undoes the timer of a turn that is kept. */
  #kept: (() => void) | null = null

  constructor(deps: TokenKeeperDeps) {
    this.deps = deps
    this.#heard = createPeriod(deps.clock)
  }

  /** How long the login session lasts from now on, where somebody said it. */
  protected abstract readonly sessionLeft: number | undefined
  /** What another tab says, of this login session. */
  protected abstract told(news: Exclude<TokenNews, { kind: 'ended' }>): void
  /** Ends it here: by another tab's word where `elsewhere`. */
  protected abstract end(reason: string, elsewhere?: boolean): void
  /** Looks whether anything is due, the end of the login session first. */
  protected abstract look(): void

  /** Again after `leave`: in the same login session, unless that is over. */
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
   * Why another tab has ended the login session, also one whose word this tab slept through or has not heard yet; null:
   * none has. Who has missed what was said, and finds that the storage was cleared meanwhile, takes that for a
   * sign-out, of which it is a part. Who asks again is told the same.
   */
  overElsewhere(): string | null {
    if (!this.#stored || !this.#group) return null
    const seen = this.#group.read('session')
    if (seen !== this.#session) {
      // Where nothing on record says why the storage was cleared.
      const reason = this.#onRecord() ?? (this.#heard.left > 0 ? null : 'signed-out')
      if (reason !== null) return reason
      if (seen === 0) this.#group.write('session', this.#session)
      else this.#session = seen
    }
    this.#heard.start(STOOD_STILL)
    return null
  }

  /** Of the token in force; 0 where there is none. */
  protected get generation(): number {
    return this.grant?.generation ?? 0
  }

  nextGeneration(): number {
    return Math.max(this.generation, this.#read('generation')) + 1
  }

  /**
   * Resolves when it is this tab's turn, as `TabGroup.exclusively` has it, and what others know has had the time to come:
   * until `handBack` no other tab has one. Rejects where it has not come when `signal` fires, also where the browser
   * never answers at all.
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
   * After a call the turn is kept for 5 s more, or until `handBack`: the news of what came of it can be slower than the
   * turn, and busy tabs do not answer in time, but who waits for a turn calls nobody.
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

  /** A token that this tab fetched: told, and its number and end noted for tabs to come. */
  publish(grant: TokenGrant): void {
    this.#group?.write('generation', grant.generation)
    this.#group?.write('until', Math.ceil(this.deps.clock.now() + grant.left))
    this.share(grant)
  }

  /** Ends the login session in every tab. */
  endSession(reason: string): void {
    this.join()
    // A sign-out that this tab has slept through is not to be counted twice: somebody may be signed in again.
    if (this.#onRecord() !== null) return
    // The number reaches tabs that sleep through the news. It is a time, so that it rises even where storage was
    // cleared.
    this.#session = Math.max(this.#session + 1, Math.floor(this.deps.clock.now()))
    this.#group?.write('ended', reason === 'signed-out' ? 1 : 2)
    this.#group?.write('session', this.#session)
    this.#group?.write('until', 0)
    this.post({ kind: 'ended', reason })
  }

  /** Tells the others. */
  post(news: Untold<TokenNews>): void {
    this.#group?.post({ ...news, session: this.#session })
  }

  /**
   * This tab hears nothing from now on, and may stand still at any moment. A call that is under way keeps its turn: most
   * are answered before, and of two tokens one may be refused where the other was.
   */
  suspend(): void {
    this.#heard.stop()
    if (this.#kept) this.handBack()
  }

  /**
   * What is said from here on is missed, but for those who could not read up on it: they go on listening, unless it is
   * for `good`.
   */
  leave(good: boolean): void {
    // That the session is over is news as well; and whoever signs in anew in this tab waits for the same turn.
    if (good) this.keepTurn(ANSWER_LIMIT)
    else this.handBack()
    if (!good && !this.#stored) return
    this.#heard.stop()
    this.#group?.leave()
    this.#group = null
  }

  /**
   * Whether some tab may have a newer token than the one in force here, by what they left in storage; true where there
   * is none.
   */
  #mayHaveNewer(): boolean {
    if (this.#group && !this.#stored) return true
    return this.#read('generation') > this.generation && this.#read('until') > this.deps.clock.now()
  }

  /** Resolves when all others have had the time to answer a question, or when `signal` fires. */
  #othersAnswered(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.deps.clock.setTimeout(resolve, ANSWER_LIMIT)
      signal.addEventListener('abort', () => resolve())
    })
  }

  #read(label: string): number {
    return this.#group?.read(label) ?? 0
  }

  /** What storage says of the end of this login session. */
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
    // Who has no storage to know the session by asks, and answers, for the present one.
    if (news.session === this.#session || news.session === 0) this.told(news)
  }
}

/** Without the login session, which is always the present one. */
type Untold<News> = News extends TokenNews ? Omit<News, 'session'> : never
