import { seededRandom } from '../kit/seeded-random.js'

/** Where a schedule comes from: each question has `count` answers, and 0 is what would happen by itself. */
export interface Choices {
  pick(count: number): number
  /** The answers so far. */
  readonly made: readonly number[]
  /** How many answers each question had. */
  readonly counts: readonly number[]
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

function record(answer: (at: number, count: number) => number): Choices {
  const made: number[] = []
  const counts: number[] = []
  return {
    made,
    counts,
    pick(count) {
      const picked = count > 1 ? answer(made.length, count) : 0
      made.push(picked)
      counts.push(count)
      return picked
    },
  }
}
