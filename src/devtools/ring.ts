/** Keeps the newest `limit` items. */
export interface Ring<Item> {
  push(item: Item): void
  /** The oldest first. */
  items(): readonly Item[]
  last(): Item | undefined
  /** How many the limit has cost. */
  readonly dropped: number
  clear(): void
}

export function createRing<Item>(limit: number): Ring<Item> {
  let kept: Item[] = []
  let pushed = 0
  return {
    push(item) {
      kept.push(item)
      pushed++
      // In lumps: one shift an item would copy all of them.
      if (kept.length >= 2 * limit) kept = kept.slice(-limit)
    },
    items: () => (kept.length > limit ? kept.slice(-limit) : kept),
    last: () => kept[kept.length - 1],
    get dropped() {
      return Math.max(0, pushed - limit)
    },
    clear() {
      kept = []
      pushed = 0
    },
  }
}
