import { OUT_OF_ORDER, OUTCOME_UNKNOWN, type Answer, type Origin, type Place } from './topic-log.js'

/** How long, and for how many publishes, an answer is remembered. */
export interface DedupeLimits {
  /**
   * Milliseconds for which the answer to a publish is remembered. Default 600,000, 10 minutes. That nothing is applied
   * twice does not depend on it: a repeat whose answer was forgotten is answered `outcome-unknown`.
   */
  readonly window: number
  /**
   * The most answers remembered for each session. Default 1,000, as many publishes as a client's outbox holds. That
   * nothing is applied twice does not depend on this either.
   */
  readonly maxIds: number
}

/**
 * What became of one session's publishes (server rules 4 and 5): for each topic the newest `n` that was decided, and
 * the first final answers, as long as they are remembered. A publish is applied only if this record shows that it was
 * not applied before.
 */
export interface PublishRecord {
  /**
   * The answer; null if nothing was decided yet, so that it may be applied. An answer that is determined here is
   * recorded.
   */
  find(origin: Origin): Answer | null
  /** Records the answer of an id that has none. */
  add(origin: Origin, answer: Answer): void
  readonly size: number
}

/**
 * The most topics of one session whose newest `n` is kept. Beyond it the longest quiet ones are forgotten, and a late
 * copy of one of their publishes is `outcome-unknown`.
 */
export const MAX_COUNTED_TOPICS = 10_000

const LEAST_KEPT = 10 * 60_000
const MOST_KEPT = 7 * 24 * 3_600_000

/**
 * Milliseconds that a session without legs is remembered with its record: at least as long as answers are remembered.
 */
export function keepRecords({ window }: DedupeLimits): number {
  return Math.min(MOST_KEPT, Math.max(LEAST_KEPT, window))
}

/**
 * @param born everything decided from this time on is in the record; -Infinity if everything ever decided for the
 * session is.
 * @param maxIds the number of answers to remember at present.
 * @param now monotonic milliseconds.
 */
export function createPublishRecord(
  born: number,
  window: number,
  maxIds: () => number,
  now: () => number,
): PublishRecord {
  /** In order of time: ids are only ever added at the end, and removed from the front. */
  const answers = new Map<string, { readonly answer: Answer; readonly at: number }>()
  let forgottenUpTo = -Infinity
  /** The newest `n` of each topic, and when it was decided; the longest quiet topic first. */
  const newest = new Map<string, { readonly n: number; readonly at: number }>()
  let uncountedUpTo = -Infinity

  function forget() {
    const from = now() - window
    const most = maxIds()
    for (const [id, { at }] of answers) {
      if (at >= from && answers.size <= most) return
      answers.delete(id)
      forgottenUpTo = at
    }
  }

  function count({ topic, n }: Place) {
    const last = newest.get(topic)
    newest.delete(topic)
    newest.set(topic, { n: Math.max(n, last?.n ?? 0), at: now() })
    if (newest.size <= MAX_COUNTED_TOPICS) return
    const [quietest, { at }] = newest.entries().next().value!
    newest.delete(quietest)
    uncountedUpTo = at
  }

  function add({ id, place }: Origin, answer: Answer) {
    answers.set(id, { answer, at: now() })
    if (place) count(place)
    forget()
  }

  /** The answer if none is recorded; null: the publish was never decided. */
  function judge({ place, age, flight = 0 }: Origin): Answer | null {
    // It was first sent at this time or later.
    const sent = now() - (age ?? 0) - flight
    const remembered = sent > born && sent > forgottenUpTo
    if (age !== undefined && age > window) return OUTCOME_UNKNOWN
    if (!place) return age === undefined || remembered ? null : OUTCOME_UNKNOWN
    const last = newest.get(place.topic)
    if (last && place.n <= last.n) return remembered ? OUT_OF_ORDER : OUTCOME_UNKNOWN
    return sent > born && (last || sent > uncountedUpTo) ? null : OUTCOME_UNKNOWN
  }

  return {
    find(origin) {
      forget()
      const known = answers.get(origin.id)
      if (known) return known.answer
      const answer = judge(origin)
      if (answer) add(origin, answer)
      return answer
    },
    add,
    get size() {
      return answers.size
    },
  }
}

/** No two pairs of session and id have the same key, whatever characters are in them. */
export function keyOf({ session, id }: Pick<Origin, 'session' | 'id'>): string {
  return `${session.length}:${session}${id}`
}
