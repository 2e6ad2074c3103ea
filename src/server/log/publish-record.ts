import { OUT_OF_ORDER, OUTCOME_UNKNOWN, type Answer, type Origin, type Place } from './topic-log.js'

/** How long, and for how many publishes, an answer is remembered. */
export interface DedupeLimits {
  /**
   * Milliseconds for which the answer to a publish is remembered. Default 10 minutes. That nothing is applied twice
   * does not rest on it: a repeat whose answer was forgotten is told `outcome-unknown`.
   */
  readonly window: number
  /**
   * Answers remembered of each session. Default 1,000, as many publishes as a client's outbox holds. Nor does it rest
   * on this.
   */
  readonly maxIds: number
}

/**
 * What became of one session's publishes (server rules 4 and 5): of each topic the newest `n` that was decided, and the
 * first final answers, for as long as they are remembered. A publish is applied only where this record can tell that it
 * was not before.
 */
export interface PublishRecord {
  /** The answer; null where nothing was decided yet: it may be. An answer that is found out here is recorded. */
  find(origin: Origin): Answer | null
  /** Records the answer of an id that has none. */
  add(origin: Origin, answer: Answer): void
  readonly size: number
}

/**
 * Topics of one session whose newest `n` is kept; beyond, those that were quiet longest go, and a late copy of theirs
 * is `outcome-unknown`.
 */
export const MAX_COUNTED_TOPICS = 10_000

const LEAST_KEPT = 10 * 60_000
const MOST_KEPT = 7 * 24 * 3_600_000

/**
 * How long, in milliseconds, a session without legs is remembered with its record: answers are, as long as they are to
 * be known.
 */
export function keepRecords({ window }: DedupeLimits): number {
  return Math.min(MOST_KEPT, Math.max(LEAST_KEPT, window))
}

/**
 * @param born whatever was decided from this moment on is in the record; -Infinity where all is that ever was of the
 * session.
 * @param maxIds answers to remember now.
 * @param now milliseconds that never go back.
 */
export function createPublishRecord(
  born: number,
  window: number,
  maxIds: () => number,
  now: () => number,
): PublishRecord {
  /** In the order of time: ids are only ever added, and leave from the front. */
  const answers = new Map<string, { readonly answer: Answer; readonly at: number }>()
  let forgottenUpTo = -Infinity
  /** The newest `n` of each topic, and when it was decided: the quietest topic first. */
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

  /** What is to be said without a record of its answer; null: it was never decided. */
  function judge({ place, age, flight = 0 }: Origin): Answer | null {
    // It was first sent at this moment or later.
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

/** No two pairs of session and id share a key, whatever characters are in them. */
export function keyOf({ session, id }: Pick<Origin, 'session' | 'id'>): string {
  return `${session.length}:${session}${id}`
}
