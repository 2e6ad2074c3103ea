import { seededRandom } from '../kit/seeded-random.js'
import type { State } from './state-hash.js'

/** An answer that ends the schedule: everything after this point is known. */
export const SEEN = -1

/** Something that can happen next. */
export interface Move {
  /** The same name for the same pending event in every schedule. */
  readonly name: string
  /** The side that the move touches. Moves on the page and moves at servers and in their log commute. */
  readonly side: 'page' | 'servers'
}

/** The only move left when nothing else can happen. */
export const ALL_IS_WELL: Move = { name: 'all is well', side: 'page' }

/** Everything that a question can be answered from. */
export interface View {
  state(): State
  /** The possible answers. */
  moves(): readonly Move[]
  /** Whether servers may send something on a connection that has nothing for the page at present. */
  mayBring(): boolean
}

/** The source of a schedule. Each question has `count` answers; 0 is what would happen without interference. */
export interface Choices {
  pick(count: number, view: View): number
  /** The answers so far. */
  readonly made: readonly number[]
}

/** The given answers, and after them 0. An answer that does not exist counts as 0. */
export function givenChoices(given: readonly number[]): Choices {
  return record((at, count) => {
    const answer = given[at] ?? 0
    return answer < count ? answer : 0
  })
}

/** Moves by name, and after them 0. Throws if one of them cannot happen. */
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
 * Random answers from a seed. How often an answer differs from 0 is drawn once for each schedule: a world in which
 * everything is out of order shows other faults than one in which a single frame is late.
 */
export function randomChoices(seed: number): Choices {
  const random = seededRandom(seed)
  const unrest = [0.03, 0.1, 0.3, 0.9][Math.floor(random() * 4)]!
  return record((_, count) => (random() < unrest ? Math.floor(random() * count) : 0))
}

/** Calls `answer` for each question, even if there is only one answer. */
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
