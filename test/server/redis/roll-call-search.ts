import { verdict } from '../../../src/server/redis/roll-call.js'
import { choicesOf, make, newWorld, type Budget, type Choice, type Rule, type World } from './roll-call-world.js'

/** Visits every state that can be reached, once. Returns their number, and the path to the first one that is wrong. */
export function search(
  budget: Budget,
  rule: Rule,
): { states: number; depth: number; wrong: string | null; way: string } {
  const begun = JSON.stringify(bothThere())
  /** Each state, and how it was reached. */
  const seen = new Map<string, { readonly from: string; readonly choice: Choice; readonly depth: number } | null>([
    [begun, null],
  ])
  let depth = 0
  const wayTo = (state: string): string => {
    const last = seen.get(state)
    return last ? `${wayTo(last.from)} ${last.choice.join(' ')},` : ''
  }
  // Iterating over a map includes entries that are added meanwhile.
  for (const [from, last] of seen) {
    depth = (last?.depth ?? 0) + 1
    for (const choice of choicesOf(JSON.parse(from) as World, budget)) {
      const world = JSON.parse(from) as World
      make(world, choice, rule, budget)
      const state = JSON.stringify(world)
      if (seen.has(state)) continue
      seen.set(state, { from, choice, depth })
      if (world.wrong) return { states: seen.size, depth, wrong: world.wrong, way: wayTo(state) }
    }
  }
  return { states: seen.size, depth: depth - 1, wrong: null, way: '' }
}

/** Both nodes have joined, one after the other, and nothing was appended yet. */
function bothThere(): World {
  const world = newWorld()
  for (const choice of [
    ['connect', 0],
    ['settle', 0],
    ['connect', 0],
    ['connect', 1],
  ] as const)
    make(world, choice, verdict, NONE)
  return world
}

const NONE: Budget = { append: 0, patience: 0, cut: 0, die: 0, copy: 0, restore: 0, promote: 0, trim: 0, evict: 0 }

export const WORLDS: Readonly<Record<string, Budget>> = {
  'a copy that is put back': { ...NONE, append: 3, cut: 1, copy: 1, restore: 1 },
  'a copy that is put back, and a node that is not waited for': {
    ...NONE,
    append: 3,
    patience: 1,
    copy: 1,
    restore: 1,
  },
  'a copy that is put back twice': { ...NONE, append: 2, copy: 1, restore: 2 },
  'a node that dies': { ...NONE, append: 2, patience: 1, die: 1, copy: 1, restore: 1 },
  'a feed that is trimmed': { ...NONE, append: 3, copy: 1, restore: 1, trim: 1 },
  'a feed that is evicted': { ...NONE, append: 3, copy: 1, restore: 1, evict: 1 },
  'promotions that lose nothing': { ...NONE, append: 3, cut: 1, promote: 2 },
}
