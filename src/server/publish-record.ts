import { OUTCOME_UNKNOWN, type Answer, type Origin } from './topic-log.js'

export interface DedupeLimits {
  /** Milliseconds for which the answer to a publish is remembered. Default 10 minutes. */
  readonly window: number
  /** Answers remembered, of all sessions together. Default 100,000. */
  readonly maxIds: number
}

/** The first final answer to each publish, for as long as it is remembered; and whether "no answer" means "not applied". */
export interface PublishRecord {
  /**
   * The answer, or null where nothing was applied. An age that goes back too far gets, and records, `outcome-unknown`; of a
   * session `knownThroughout` nothing is older than this record.
   */
  find(origin: Origin, knownThroughout: boolean): Answer | null
  /** Records the answer of an id that has none. */
  add(origin: Origin, answer: Answer): void
  readonly size: number
}

interface Remembered {
  readonly answer: Answer
  readonly at: number
}

/** @param now milliseconds that never go back; the record begins at the moment of its creation. */
export function createPublishRecord(limits: DedupeLimits, now: () => number): PublishRecord {
  // In the order of time: ids are only ever added, and leave from the front.
  const answers = new Map<string, Remembered>()
  const begun = now()
  let forgottenUpTo = -Infinity

  function forget() {
    const from = now() - limits.window
    for (const [key, { at }] of answers) {
      if (at >= from && answers.size <= limits.maxIds) return
      answers.delete(key)
      forgottenUpTo = at
    }
  }

  function add(origin: Origin, answer: Answer) {
    answers.set(keyOf(origin), { answer, at: now() })
    forget()
  }

  return {
    find(origin, knownThroughout) {
      forget()
      const known = answers.get(keyOf(origin))
      if (known) return known.answer
      if (origin.age === undefined) return null
      // It was first sent at this moment or later. Was everything applied since then recorded, and is it remembered still?
      const sent = now() - origin.age
      const vouched = origin.age <= limits.window && sent > forgottenUpTo && (sent > begun || knownThroughout)
      if (vouched) return null
      add(origin, OUTCOME_UNKNOWN)
      return OUTCOME_UNKNOWN
    },
    add,
    get size() {
      return answers.size
    },
  }
}

/** No two pairs of session and id share a key, whatever characters are in them. */
export function keyOf({ session, id }: Origin): string {
  return `${session.length}:${session}${id}`
}
