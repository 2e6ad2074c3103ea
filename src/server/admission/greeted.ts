/** How many were welcomed in each second. */
export interface Greeted {
  add(): void
  /** In the last whole second. */
  readonly lastSecond: number
  /** In the best one so far: so many this server is known to carry. 0 before any. */
  readonly bestSecond: number
}

const SECOND = 1_000

/** @param now milliseconds that never go back. */
export function createGreeted(now: () => number): Greeted {
  let second = Math.floor(now() / SECOND)
  let count = 0
  let before = 0
  let best = 0

  function turn() {
    const present = Math.floor(now() / SECOND)
    if (present === second) return
    before = present === second + 1 ? count : 0
    best = Math.max(best, count)
    count = 0
    second = present
  }

  return {
    add() {
      turn()
      count++
    },
    get lastSecond() {
      turn()
      return before
    },
    get bestSecond() {
      turn()
      return Math.max(best, count)
    },
  }
}
