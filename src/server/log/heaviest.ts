/**
 * Things that take up room, and one that takes up most of all, but for a factor of two: each is in the drawer of its
 * power of two.
 */
export interface Heaviest<Item extends Weighed> {
  /** Of those that weigh as much it is the newest now. 0 takes it out. */
  weigh(item: Item, weight: number): void
  /** The oldest of them. Undefined where nothing weighs anything. */
  top(): Item | undefined
}

export interface Weighed {
  /** Where it is: `createHeaviest` writes it. At first 0. */
  drawer: number
}

/** Drawer 0 holds nothing: it is for what weighs nothing. */
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
