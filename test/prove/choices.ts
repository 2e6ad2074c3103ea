import { seededRandom } from '../kit/seeded-random.js'
import type { State } from './state-hash.js'

/** An answer that ends the schedule: from here on it is known. */
export const SEEN = -1

/** Where a schedule comes from: each question has `count` answers, and 0 is what would happen by itself. */
export interface Choices {
  /** `state`: all that there is as the question is put. */
  pick(count: number, state: () => State): number
  /** The answers so far. */
  readonly made: readonly number[]
}

/** The given answers, and after them what happens by itself. An answer that there is not counts as 0. */
export function givenChoices(given: readonly number[]): Choices {
  return record((at, count) => {
    const answer = given[at] ?? 0
    return answer < count ? answer : 0
  })
}

/**
 * Drawn from a seed. How often it leaves what would happen by itself is drawn once a schedule: a world in which
 * everything is always out of order shows other faults than one in which a single frame is late.
 */
export function randomChoices(seed: number): Choices {
  const random = seededRandom(seed)
  const unrest = [0.03, 0.1, 0.3, 0.9][Math.floor(random() * 4)]!
  return record((_, count) => (random() < unrest ? Math.floor(random() * count) : 0))
}

/** Asks `answer` for each of them, also where there is only one. */
export function record(answer: (at: number, count: number, state: () => State) => number): Choices {
  const made: number[] = []
  return {
    made,
    pick(count, state) {
      const picked = answer(made.length, count, state)
      if (picked !== SEEN) made.push(picked)
      return picked
    },
  }
}
