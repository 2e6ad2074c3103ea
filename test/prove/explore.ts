import { record, SEEN, type Choices } from './choices.js'
import { stateHash } from './state-hash.js'
import type { Outcome, WorldOptions } from './world.js'

export interface Exploration {
  /** Schedules within a bound, or states in which the whole client and its world can be. */
  readonly count: number
  /** The longest way, in steps. */
  readonly depth: number
  /** Whether nothing was left to be tried. */
  readonly complete: boolean
  /** The first schedule that broke a promise. */
  readonly broken: { readonly choices: readonly number[]; readonly promises: readonly string[] } | null
}

type Run = (world: WorldOptions, choices: Choices) => Promise<Outcome>

/**
 * Every schedule that leaves, at most `deviations` times, what would happen by itself: each question of each schedule
 * is answered in each way. Bounded so, a search ends; what needs more coincidences than that is left to the random one.
 */
export async function exploreSchedules(world: WorldOptions, deviations: number, run: Run): Promise<Exploration> {
  let count = 0
  let depth = 0
  const open: { readonly way: readonly number[]; readonly left: number }[] = [{ way: [], left: deviations }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { way, left } = next
    const choices = record((at, answers) => {
      if (at < way.length) return way[at]!
      if (left > 0)
        for (let answer = 1; answer < answers; answer++) open.push({ way: [...choices.made, answer], left: left - 1 })
      return 0
    })
    const { broken, steps } = await run(world, choices)
    count++
    depth = Math.max(depth, steps)
    if (broken.length > 0) return { count, depth, complete: false, broken: { choices: choices.made, promises: broken } }
  }
  return { count, depth, complete: true, broken: null }
}

/**
 * Every state that can be reached, once, whatever the order: each question is answered in each way, and where that
 * leads to a state that was met before, the schedule ends. A state is come to by going the whole way again.
 */
export async function exploreStates(world: WorldOptions, run: Run): Promise<Exploration> {
  const seen = new Set<string>()
  let depth = 0
  const open: (readonly number[])[] = [[]]
  for (let way = open.pop(); way; way = open.pop()) {
    const given = way
    const choices = record((at, answers, state) => {
      if (at < given.length) return given[at]!
      const hash = stateHash(state())
      if (seen.has(hash)) return SEEN
      seen.add(hash)
      for (let answer = 1; answer < answers; answer++) open.push([...choices.made, answer])
      return 0
    })
    const { broken } = await run(world, choices)
    depth = Math.max(depth, choices.made.length)
    if (broken.length > 0)
      return { count: seen.size, depth, complete: false, broken: { choices: choices.made, promises: broken } }
  }
  return { count: seen.size, depth, complete: true, broken: null }
}
