import type { Simulation } from 'livesocket/testing'
import { createAccount } from '../../test/kit/account.js'

/** A stream of numbered messages with the time of each. Every client is checked against it. */
export interface Feed {
  readonly topic: string
  /** How long a message takes to arrive, ms. */
  readonly latency: number
  /** The newest messages. */
  readonly sent: readonly { readonly offset: number; readonly at: number }[]
  readonly count: number
  stop(): void
}

/** More than any timeline shows. */
const KEPT = 1_000

/** What publishes the messages: a simulation. */
export type FeedSource = Pick<Simulation, 'publish'> & {
  readonly clock: Pick<Simulation['clock'], 'monotonic' | 'setTimeout'>
}

export function startFeed(
  sim: FeedSource,
  { topic = 'feed', every = 50, latency = 10 }: { topic?: string; every?: number; latency?: number } = {},
): Feed {
  let sent: { offset: number; at: number }[] = []
  let count = 0
  let cancel = sim.clock.setTimeout(function next() {
    const { offset } = sim.publish(topic, { n: ++count })
    sent.push({ offset, at: sim.clock.monotonic() })
    if (sent.length >= 2 * KEPT) sent = sent.slice(-KEPT)
    cancel = sim.clock.setTimeout(next, every)
  }, every)
  return {
    topic,
    latency,
    get sent() {
      return sent
    },
    get count() {
      return count
    },
    stop: () => cancel(),
  }
}

/** What one client has received of a feed. */
export interface Book {
  delivered(offset: number): void
  /** A new session has begun. Messages from before it do not count as lost. */
  startOver(): void
  summary(): {
    readonly sent: number
    readonly delivered: number
    readonly lost: number
    readonly repeated: number
    readonly reordered: number
    readonly lostAt: readonly number[]
  }
}

/** How much later than expected a message may come, ms. */
const LATE = 400

/**
 * @param resumes whether missing messages may still come. A client that does not resume has lost a message that is too
 * late; one that does resume has lost a message that a later one has overtaken.
 */
export function createBook(feed: Feed, now: () => number, resumes: boolean): Book {
  let account = createAccount()
  const newestAt = (time: number) => feed.sent.findLast(({ at }) => at <= time)?.offset ?? 0
  return {
    delivered: (offset) => void account.arrived(offset),
    startOver: () => void (account = createAccount()),
    summary() {
      const { first, newest, delivered, repeated, reordered } = account
      const due = resumes ? newest : newestAt(now() - feed.latency - LATE)
      // Offsets are consecutive. Messages that are still under way are not counted yet.
      const sent = first === null ? 0 : Math.max(0, newestAt(now() - feed.latency) - first + 1)
      const lost = account.lost(due)
      const missing = new Set(lost === 0 ? [] : account.missing(due))
      const lostAt = feed.sent.filter(({ offset }) => missing.has(offset)).map(({ at }) => at + feed.latency)
      return { sent, delivered, lost, repeated, reordered, lostAt }
    },
  }
}
