/** How many were welcomed in each second. */
export interface Greeted {
  add(): void
  /** In the last whole second. */
  readonly lastSecond: number
  /**
   * In the best one so far: so many this server is known to carry. Where others waited in it, no more than there was
   * room for: greetings end in bunches, and three may fall into a second that had room for two. 0 before any.
   */
  readonly bestSecond: number
}

const SECOND = 1_000

/**
 * @param now milliseconds that never go back.
 * @param room welcomes a second that there is room for; null where nobody waited lately.
 */
export function createGreeted(now: () => number, room: () => number | null): Greeted {
  let second = Math.floor(now() / SECOND)
  let count = 0
  let before = 0
  let best = 0

  const carried = () => Math.min(count, Math.floor(room() ?? Number.POSITIVE_INFINITY))

  function turn() {
    const present = Math.floor(now() / SECOND)
    if (present === second) return
    before = present === second + 1 ? count : 0
    best = Math.max(best, carried())
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
      return Math.max(best, carried())
    },
  }
}
