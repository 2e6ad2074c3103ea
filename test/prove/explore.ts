import { ALL_IS_WELL, namedChoices, record, SEEN, type Choices } from './choices.js'
import { textOf } from './hash.js'
import type { Joint, JointWorld } from './joint-world.js'
import { stateHash } from './state-hash.js'
import { Visits } from './visits.js'
import type { Outcome, WorldOptions } from './world.js'

export interface Exploration {
  /** The number of schedules within a bound, or of states of the whole client and its world. */
  readonly count: number
  /** The longest path, in steps. */
  readonly depth: number
  /** Whether everything was tried. */
  readonly complete: boolean
  /** The first schedule that broke a promise. */
  readonly broken: { readonly choices: readonly number[]; readonly promises: readonly string[] } | null
  /** The states in which nothing more can happen, by their hashes. */
  readonly ends: readonly string[]
}

type Run = (world: WorldOptions, choices: Choices) => Promise<Outcome>

/**
 * Tries every schedule that deviates from the default order at most `deviations` times: each question of each schedule
 * gets each answer. The bound makes the search finite; faults that need more coincidences are left to the random
 * search.
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
    if (broken.length > 0)
      return { count, depth, complete: false, broken: { choices: choices.made, promises: broken }, ends: [] }
  }
  return { count, depth, complete: true, broken: null, ends: [] }
}

/**
 * Visits every state of the world in which something can go wrong once: each question gets each answer, except for
 * orders that make no difference (visits.ts). A state is reached by running its whole path again.
 */
export async function exploreStates(world: WorldOptions, run: Run, everyOrder = false): Promise<Exploration> {
  const visits = new Visits(everyOrder)
  const ends = new Set<string>()
  let depth = 0
  const open: { readonly way: readonly number[]; readonly asleep: number }[] = [{ way: [], asleep: 0 }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { way } = next
    let { asleep } = next
    const choices = record((at, _, view) => {
      if (at < way.length) return way[at]!
      const state = view.state()
      const hash = stateHash(state, everyOrder)
      const moves = view.moves()
      if (moves[0] === ALL_IS_WELL) ends.add(textOf(stateHash(state)))
      const [first, ...others] = visits.open(hash, moves, asleep, view.mayBring)
      if (!first) return SEEN
      for (const other of others) open.push({ way: [...choices.made, other.answer], asleep: other.asleep })
      asleep = first.asleep
      return first.answer
    })
    const { broken } = await run(world, choices)
    depth = Math.max(depth, choices.made.length)
    if (broken.length > 0)
      return {
        count: visits.count,
        depth,
        complete: false,
        broken: { choices: choices.made, promises: broken },
        ends: [],
      }
  }
  return { count: visits.count, depth, complete: true, broken: null, ends: [...ends].sort() }
}

/** The moves of a path by name, the last one first. */
interface Way {
  readonly name: string
  readonly before: Way | null
}

/**
 * Visits the same states in a world whose sides are learned, so that no path is run again. The whole world also runs to
 * each end state: it must offer each of the moves, end there, and then all must be well.
 */
export async function exploreJoint(
  world: WorldOptions,
  joint: JointWorld,
  run: Run,
  everyOrder = false,
): Promise<Exploration> {
  const visits = new Visits(everyOrder)
  const ways = new Map<string, Way | null>()
  const ends = new Set<string>()
  let depth = 0
  const open: Open[] = [{ state: await joint.begin(), asleep: 0, way: null, steps: 0 }]

  async function confirm(way: Way | null) {
    const choices = namedChoices(movesOf(way), (view) => {
      if (view.moves()[0] === ALL_IS_WELL) ends.add(textOf(stateHash(view.state())))
    })
    const { broken } = await run(world, choices)
    return { choices: choices.made, promises: broken }
  }
  const found = (broken: Exploration['broken']) => ({ count: visits.count, depth, complete: false, broken, ends: [] })

  for (let one = open.pop(); one; one = open.pop()) {
    const { state, asleep, way, steps } = one
    depth = Math.max(depth, steps)
    if (state.broken.length > 0) return found({ ...(await confirm(way)), promises: state.broken })
    const key = joint.key(state)
    const moves = joint.moves(state)
    const branches = visits.open(key, moves, asleep, () => joint.mayBring(state))
    if (moves[0] === ALL_IS_WELL) {
      const end = textOf(key)
      if (!ways.has(end)) ways.set(end, way)
      continue
    }
    // The first branch is continued at once, because a running side is at its beginning.
    for (const branch of branches.reverse()) {
      const move = moves[branch.answer]!
      const next = await joint.next(state, move)
      open.push({ state: next, asleep: branch.asleep, way: { name: move.name, before: way }, steps: steps + 1 })
    }
  }
  for (const way of ways.values()) {
    const broken = await confirm(way)
    if (broken.promises.length > 0) return found(broken)
  }
  return { count: visits.count, depth, complete: true, broken: null, ends: [...ends].sort() }
}

/** A state from which the search has to continue. */
interface Open {
  readonly state: Joint
  readonly asleep: number
  readonly way: Way | null
  readonly steps: number
}

function movesOf(way: Way | null): string[] {
  const moves: string[] = []
  for (let one = way; one; one = one.before) moves.push(one.name)
  return moves.reverse()
}
