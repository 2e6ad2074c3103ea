/**
 * Keeps weighed items and finds the heaviest, within a factor of two: each item is in the drawer of its power of two.
 */
export interface Heaviest<Item extends Weighed> {
  /** Sets the item's weight; it becomes the newest of its drawer. 0 removes it. */
  weigh(item: Item, weight: number): void
  /** The oldest item of the heaviest drawer. Undefined if there is none. */
  top(): Item | undefined
}

export interface Weighed {
  /** The item's drawer, written by `createHeaviest`. Initially 0. */
  drawer: number
}

/** Drawer 0 is for items without weight, and stays empty. */
const DRAWERS = 54

export function createHeaviest<Item extends Weighed>(): Heaviest<Item> {
  const drawers = Array.from({ length: DRAWERS }, () => new Set<Item>())
  let highest = 0
  return {
    weigh(item, weight) {
      const drawer = weight > 0 ? Math.min(DRAWERS - 1, 1 + Math.floor(Math.log2(weight))) : 0
      drawers[item.drawer]!.delete(item)
      item.drawer = drawer
      if (drawer === 0) return
      drawers[drawer]!.add(item)
      highest = Math.max(highest, drawer)
    },
    top() {
      while (highest > 0 && drawers[highest]!.size === 0) highest--
      const [first] = drawers[highest]!
      return first
    },
  }
}
