import { instant, since, type Clock, type Instant } from '../base/clock.js'
import { ALONE, type Tabs } from '../host/tabs.js'
import { readTokenNews, type SharedToken, type TokenNews, type TokenReason } from '../policy/token-news.js'
import type { TokenSchedule } from '../policy/token-schedule.js'

/**
 * The tabs and workers of one browser that live on one token, seen from one of them. Without `Tabs`, or a key, this one
 * is alone.
 */
export interface TokenTabs {
  /** Again after `leave`: in the same login session, unless that is `over`. */
  join(): void
  /**
   * Why another tab has ended the login session, also one whose word this tab slept through or has not heard yet; null:
   * none has. Who has missed what was said, and finds that the storage was cleared meanwhile, takes that for a
   * sign-out, of which it is a part.
   */
  over(): string | null
  /**
   * Whether some tab may have a newer token than the one of `generation`, by what they left in storage; true where
   * there is none.
   */
  mayHaveNewer(generation: number): boolean
  nextGeneration(present: number): number
  /**
   * Takes turns with the other tabs; see `TabGroup.exclusively`. Where `work` says that it brought a token, the turn is
   * kept for 5 s more, or until `handBack`: the news of it can be slower than the turn, and busy tabs do not answer in
   * time, but who waits for a turn calls nobody.
   */
  exclusively(work: (contended: boolean) => Promise<boolean>, signal: AbortSignal): Promise<void>
  handBack(): void
  /** Asks the others for what is newer than `generation`; resolves when it is `heard`, or after 150 ms. */
  ask(generation: number): Promise<void>
  heard(): void
  share(token: TabToken): void
  /** A token that this tab fetched: told, and its number and end noted for tabs to come. */
  publish(token: TabToken): void
  wait(failures: number, delay: number): void
  /** Ends the login session in every tab. */
  endSession(reason: string): void
  /** This tab hears nothing from now on, and may stand still at any moment. */
  suspend(): void
  /**
   * What is said from here on is missed, but for those who could not read up on it: they go on listening, unless it is
   * for `good`.
   */
  leave(good: boolean): void
}

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

export interface TokenCircleHandlers {
  /** Another tab has a token of that generation, or 0 for none, and wants a newer one. */
  asked(generation: number): void
  token(token: TabToken): void
  /** Another tab's call failed. */
  wait(failures: number, delay: number): void
  ended(reason: string): void
}

/** How long other tabs have to answer a question. They need a few milliseconds; a lonely tab waits for all of it. */
const ANSWER_LIMIT = 150

/** How long news can be on its way to a busy tab. Ten real ones that open on two cores are busy for 3 s. */
const NEWS_LIMIT = 5_000

/** Storage holds numbers only: what is left of the reason for a tab that did not hear it. */
const ENDED = { signedOut: 1, otherwise: 2 }

/** A tab that has not looked for so long may have stood still. Timers of a hidden one run once a minute. */
const STOOD_STILL = 90_000

export function createTokenTabs(
  deps: { clock: Clock; tabs?: Tabs | undefined; key: string | null },
  handlers: TokenCircleHandlers,
): TokenTabs {
  const { clock, tabs, key } = deps
  let group = ALONE
  /** Names the login session, for all tabs: the moment at which it began. 0: not known. */
  let session = 0
  /** Others find the number in storage. Where there is none (in a worker) it is what they say. */
  let stored = false
  let lookedAt: Instant | null = null
  /** Something may have been said that this tab has not heard. */
  let missed = false
  const questions = new Set<() => void>()
  let handBack = () => {}
  const post = (news: TokenNews) => group.post(news)

  /** What storage says of the end of this login session. */
  function onRecord(): string | null {
    const seen = group.read('session')
    const ended = seen === session ? 0 : group.read('ended')
    return seen === 0 || ended === 0 ? null : ended === ENDED.otherwise ? 'ended in another tab' : 'signed-out'
  }

  function over(): string | null {
    if (!stored || group === ALONE) return null
    const unheard = missed || (lookedAt !== null && since(clock, lookedAt) > STOOD_STILL)
    missed = false
    lookedAt = instant(clock)
    const seen = group.read('session')
    if (seen === session) return null
    const reason = onRecord()
    if (reason !== null) return reason
    // The storage was cleared, and nothing in it says why.
    if (unheard) return 'signed-out'
    if (seen === 0) group.write('session', session)
    else session = seen
    return null
  }

  function begin() {
    session = group.read('session')
    if (session === 0) group.write('session', Math.max(1, Math.floor(clock.now())))
    session = group.read('session')
    stored = session > 0
  }

  function hear(message: unknown) {
    const news = readTokenNews(message)
    if (!news) return
    if (news.kind === 'ended') {
      if (news.session > session) handlers.ended(news.reason)
      return
    }
    const reason = over()
    if (reason !== null) return handlers.ended(reason)
    if (!stored) session = Math.max(session, news.session)
    // Who has no storage to know the session by asks, and answers, for the present one.
    if (news.session !== session && news.session !== 0) return
    if (news.kind === 'ask') handlers.asked(news.generation ?? 0)
    else if (news.kind === 'wait') handlers.wait(news.failures, news.delay)
    else handlers.token(received(news))
  }

  /** While a tab is frozen news waits for it, and the token in it grows older. Monotonic clocks differ between tabs. */
  function received(news: SharedToken): TabToken {
    const underWay = Math.max(0, clock.now() - news.at)
    const age = news.age + underWay
    return {
      ...news,
      start: { wall: clock.now() - age, monotonic: clock.monotonic() - age },
      sessionLeft: news.sessionLeft === undefined ? undefined : Math.max(0, news.sessionLeft - underWay),
    }
  }

  function share({ generation, token, reason, start, schedule, sessionLeft }: TabToken) {
    const age = since(clock, start)
    const ends = sessionLeft === undefined ? undefined : { sessionLeft }
    post({ kind: 'token', session, generation, token, reason, age, at: clock.now(), schedule, ...ends })
  }

  function heard() {
    for (const answered of [...questions]) answered()
  }

  function keepTurn(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.setTimeout(() => handBack(), NEWS_LIMIT)
      handBack = () => {
        cancel()
        handBack = () => {}
        resolve()
      }
    })
  }

  return {
    join() {
      if (group !== ALONE || !tabs || key === null) return
      const joined = tabs.join(`livesocket:${key}`)
      if (joined.alone) return
      group = joined
      if (session === 0) begin()
      group.listen(hear)
    },
    over,
    mayHaveNewer: (generation) =>
      (group !== ALONE && !stored) || (group.read('generation') > generation && group.read('until') > clock.now()),
    nextGeneration: (present) => Math.max(present, group.read('generation')) + 1,
    exclusively(work, signal) {
      handBack()
      return new Promise((resolve, reject) => {
        let begun = false
        // The browser may never answer at all: whose time is up waits no longer, and does nothing when the turn comes.
        signal.addEventListener('abort', () => begun || reject(signal.reason as Error), { once: true })
        const turn = group.exclusively(async (contended) => {
          if (signal.aborted) return
          begun = true
          const brought = await work(contended)
          resolve()
          if (brought && group !== ALONE) await keepTurn()
        }, signal)
        turn.catch(reject)
      })
    },
    handBack: () => handBack(),
    ask(generation) {
      if (group === ALONE) return Promise.resolve()
      return new Promise((resolve) => {
        const answered = () => {
          cancel()
          questions.delete(answered)
          resolve()
        }
        const cancel = clock.setTimeout(answered, ANSWER_LIMIT)
        questions.add(answered)
        post({ kind: 'ask', session, generation })
      })
    },
    heard,
    share,
    publish(token) {
      group.write('generation', token.generation)
      group.write('until', Math.ceil(clock.now() + token.schedule.dead - since(clock, token.start)))
      share(token)
    },
    wait: (failures, delay) => post({ kind: 'wait', session, failures, delay }),
    endSession(reason) {
      // A sign-out that this tab has slept through is not to be counted twice: somebody may be signed in again.
      if (onRecord() !== null) return
      // The number reaches tabs that sleep through the news. It is a time, so that it rises even where storage was
      // cleared.
      const next = Math.max(session + 1, Math.floor(clock.now()))
      group.write('ended', reason === 'signed-out' ? ENDED.signedOut : ENDED.otherwise)
      group.write('session', next)
      group.write('until', 0)
      post({ kind: 'ended', session: next, reason })
    },
    suspend() {
      missed = true
      handBack()
    },
    leave(good) {
      heard()
      handBack()
      if (!good && !stored) return
      missed = true
      group.leave()
      group = ALONE
    },
  }
}
