import type { Move } from './choices.js'
import type { Hash } from './hash.js'
import { StateTable } from './state-table.js'

/** A move to try, and the moves that sleep after it, as bits. */
export interface Branch {
  readonly answer: number
  readonly asleep: number
}

/**
 * Decides which moves to try in a state, so that each state is reached in one order of commuting moves, and no order in
 * which something can go wrong is skipped. Moves on the page and moves at servers commute: each touches only its own
 * side and the far end of a queue.
 *
 * If servers have nothing to send that could change what the page can do next, the page goes first (persistent sets),
 * and the moves of the servers wait for a later state. This cannot go on forever, because the page alone uses up what
 * there is. Otherwise both sides are tried. After a move, the moves of the other side that were tried in its place
 * sleep. A state that was met before is not searched again, except for moves that slept in it every time (sleep sets
 * with known states).
 */
export class Visits {
  /** For each state, the moves that were not tried in it yet. */
  readonly #untried = new StateTable(-1)
  readonly #bits = new Map<string, number>()
  readonly #everyOrder: boolean

  /** `everyOrder`: no move sleeps. */
  constructor(everyOrder: boolean) {
    this.#everyOrder = everyOrder
  }

  /** How many states were met. */
  get count(): number {
    return this.#untried.size
  }

  /** `mayBring`: whether servers may send something on a connection that has nothing for the page at present. */
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
/** As many bits as a small integer has. */
const MOST_NAMES = 30
