/** Keeps the newest `limit` items. */
export interface Ring<Item> {
  push(item: Item): void
  /** The kept items, the oldest first. */
  items(): readonly Item[]
  last(): Item | undefined
  /** How many items were dropped because of the limit. */
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
      // Cut in large steps: a shift for each item would copy all of them every time.
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
