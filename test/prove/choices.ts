import { seededRandom } from '../kit/seeded-random.js'
import type { State } from './state-hash.js'

/** An answer that ends the schedule: from here on it is known. */
export const SEEN = -1

/** Something that can happen next. */
export interface Move {
  /** The same wherever it is the same thing that waits to happen. */
  readonly name: string
  /** Whom alone it touches: what happens on the page, and what happens at servers and in their log, commute. */
  readonly side: 'page' | 'servers'
}

/** What is left when nothing else can happen. */
export const ALL_IS_WELL: Move = { name: 'all is well', side: 'page' }

/** All that there is as a question is put. */
export interface View {
  state(): State
  /** What the answers are. */
  moves(): readonly Move[]
  /** Whether servers may bring the page something on a way on which there is nothing for it. */
  mayBring(): boolean
}

/** Where a schedule comes from: each question has `count` answers, and 0 is what would happen by itself. */
export interface Choices {
  pick(count: number, view: View): number
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

/** Moves by their names, and after them what happens by itself. Throws where one of them cannot happen. */
export function namedChoices(names: readonly string[], atEnd: (view: View) => void = () => {}): Choices {
  return record((at, _, view) => {
    if (at === names.length) atEnd(view)
    if (at >= names.length) return 0
    const moves = view.moves()
    const found = moves.findIndex(({ name }) => name === names[at])
    if (found >= 0) return found
    const others = moves.map(({ name }) => name).join(', ')
    throw new Error(`after ${names.slice(0, at).join(', ')} there is no ${names[at]}, but ${others}`)
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
export function record(answer: (at: number, count: number, view: View) => number): Choices {
  const made: number[] = []
  return {
    made,
    pick(count, view) {
      const picked = answer(made.length, count, view)
      if (picked !== SEEN) made.push(picked)
      return picked
    },
  }
}
