import { givenChoices } from './choices.js'
import type { Outcome, WorldOptions } from './world.js'
import type { Choices } from './choices.js'

export interface Exploration {
  /** Schedules that were run: all there are within the bound. */
  readonly schedules: number
  /** The longest one, in steps. */
  readonly depth: number
  readonly complete: boolean
  /** The first schedule that broke a promise. */
  readonly broken: { readonly choices: readonly number[]; readonly promises: readonly string[] } | null
}

/**
 * Every schedule that leaves, at most `deviations` times, what would happen by itself: each question of each schedule
 * is answered in each way. Bounded so, a search ends; what needs more coincidences than that is left to the random one.
 */
export async function explore(
  world: WorldOptions,
  deviations: number,
  run: (world: WorldOptions, choices: Choices) => Promise<Outcome>,
): Promise<Exploration> {
  let schedules = 0
  let depth = 0
  const open: { readonly prefix: readonly number[]; readonly left: number }[] = [{ prefix: [], left: deviations }]
  for (let next = open.pop(); next; next = open.pop()) {
    const choices = givenChoices(next.prefix)
    const { broken, steps } = await run(world, choices)
    schedules++
    depth = Math.max(depth, steps)
    if (broken.length > 0)
      return { schedules, depth, complete: false, broken: { choices: choices.made, promises: broken } }
    if (next.left === 0) continue
    for (let at = next.prefix.length; at < choices.counts.length; at++)
      for (let answer = 1; answer < choices.counts[at]!; answer++)
        open.push({ prefix: [...choices.made.slice(0, at), answer], left: next.left - 1 })
  }
  return { schedules, depth, complete: true, broken: null }
}
