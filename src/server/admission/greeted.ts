/** How many legs were welcomed in each second. */
export interface Greeted {
  add(): void
  /** In the last whole second. */
  readonly lastSecond: number
  /**
   * In the best second so far: this server is known to carry that many. If others waited during that second, it counts
   * at most the measured capacity: greetings end in bunches, and three may fall into a second with room for two. 0
   * before the first welcome.
   */
  readonly bestSecond: number
}

const SECOND = 1_000

/**
 * @param now monotonic milliseconds.
 * @param room the welcomes a second that there is room for; null if nobody waited lately.
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
