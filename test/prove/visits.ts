import type { Move } from './choices.js'
import type { Hash } from './hash.js'
import { StateTable } from './state-table.js'

/** A move that is to be made, and those that are asleep after it, a bit each. */
export interface Branch {
  readonly answer: number
  readonly asleep: number
}

/**
 * Which moves are to be made in a state, so that each state is come to in one order of the moves that commute, and none
 * in which something can go wrong is left out. What happens on the page, and what happens at servers, commute: each
 * touches only its own side and the far end of a queue.
 *
 * Where servers have nothing to bring that could change what the page can do next, whatever they do, it goes first
 * (persistent sets): what they can do then waits for a state behind it. No way goes round for ever so, as the page
 * alone uses up what there is. Else both are tried, and after a move those sleep that were tried in its place and are of
 * the other side; a state that was met before is left alone, but for what slept in it each time (sleep sets, with states
 * that are known).
 */
export class Visits {
  /** Of each state what is not tried in it yet. */
  readonly #untried = new StateTable(-1)
  readonly #bits = new Map<string, number>()
  readonly #everyOrder: boolean

  /** `everyOrder`: nothing sleeps. */
  constructor(everyOrder: boolean) {
    this.#everyOrder = everyOrder
  }

  /** How many states were met. */
  get count(): number {
    return this.#untried.size
  }

  /** `mayBring`: whether servers may bring the page something on a way on which there is nothing for it. */
  open(state: Hash, moves: readonly Move[], asleep: number, mayBring: () => boolean): Branch[] {
    const before = this.#untried.get(state)
    const still = asleep & before
    let all = 0
    let ofPage = 0
    for (const { name, side } of moves) {
      all |= this.#bit(name)
      if (side === 'page') ofPage |= this.#bit(name)
    }
    this.#untried.set(state, still)
    const branches: Branch[] = []
    let tried = still
    const pageAlone = !this.#everyOrder && ofPage !== 0 && !mayBring()
    for (const of of pageAlone ? PAGE : SIDES)
      for (const [answer, { name, side }] of moves.entries()) {
        const bit = this.#bit(name)
        if (side !== of || (still & bit) !== 0 || (before & bit) === 0) continue
        const others = of === 'page' ? all & ~ofPage : ofPage
        branches.push({ answer, asleep: this.#everyOrder ? 0 : tried & others })
        tried |= bit
      }
    return branches
  }

  #bit(name: string): number {
    let bit = this.#bits.get(name)
    if (bit === undefined) {
      if (this.#bits.size === MOST_NAMES) throw new Error(`more than ${MOST_NAMES} kinds of moves`)
      bit = 1 << this.#bits.size
      this.#bits.set(name, bit)
    }
    return bit
  }
}

const PAGE = ['page'] as const
const SIDES = ['page', 'servers'] as const
/** As many bits as a small integer has room for. */
const MOST_NAMES = 30
