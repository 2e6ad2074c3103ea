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
  /** The states in which everything has happened, by what they are known by. */
  readonly ends: readonly string[]
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
    if (broken.length > 0)
      return { count, depth, complete: false, broken: { choices: choices.made, promises: broken }, ends: [] }
  }
  return { count, depth, complete: true, broken: null, ends: [] }
}

/** A way that is still to be gone: its last answer, and the moves that are asleep after it. */
interface Branch {
  readonly way: readonly number[]
  readonly asleep: ReadonlySet<string>
}

/**
 * Every state in which something can go wrong, once. Each question is answered in each way, but where two moves commute
 * (what happens on the page, and what happens at servers) only one order of them is gone: after a move, those sleep that
 * were tried in its place and that it does not touch. A state that was met is left alone, but for what slept in it each
 * time. It is come to by going the whole way again. `everyOrder`: nothing sleeps, so that
 * the two can be held against each other.
 */
export async function exploreStates(world: WorldOptions, run: Run, everyOrder = false): Promise<Exploration> {
  /** Of each state what is not tried in it yet. */
  const seen = new Map<string, ReadonlySet<string>>()
  const ends = new Set<string>()
  let depth = 0
  const open: Branch[] = [{ way: [], asleep: new Set() }]
  for (let next = open.pop(); next; next = open.pop()) {
    const { way } = next
    let { asleep } = next
    const choices = record((at, count, view) => {
      if (at < way.length) return way[at]!
      const hash = stateHash(view.state())
      const moves = view.moves()
      if (moves[0]!.name === 'all is well') ends.add(hash)
      const before = seen.get(hash)
      const awake = moves
        .map((_, answer) => answer)
        .filter((answer) => {
          const { name } = moves[answer]!
          return !asleep.has(name) && (!before || before.has(name))
        })
      if (before) asleep = new Set([...asleep].filter((name) => before.has(name)))
      // Whatever servers do by themselves, what the page does next is one of the moves that sleep: it is tried elsewhere.
      const ofPage = moves.filter(({ side }) => side === 'page')
      if (!everyOrder && ofPage.length > 0 && ofPage.every(({ name }) => asleep.has(name)) && !view.mayBring()) {
        seen.set(hash, before ?? new Set(moves.map(({ name }) => name)))
        return SEEN
      }
      seen.set(hash, asleep)
      if (awake.length === 0) return SEEN
      if (!everyOrder) awake.sort((a, b) => ORDER[moves[a]!.side] - ORDER[moves[b]!.side])
      const slept = new Set(asleep)
      let first: ReadonlySet<string> = asleep
      for (const [index, answer] of awake.entries()) {
        const { name, side } = moves[answer]!
        const after = new Set(
          moves
            .filter((other) => !everyOrder && slept.has(other.name) && other.side !== side)
            .map((other) => other.name),
        )
        if (index === 0) first = after
        else open.push({ way: [...choices.made, answer], asleep: after })
        slept.add(name)
      }
      asleep = first
      return awake[0]!
    })
    const { broken } = await run(world, choices)
    depth = Math.max(depth, choices.made.length)
    if (broken.length > 0)
      return { count: seen.size, depth, complete: false, broken: { choices: choices.made, promises: broken }, ends: [] }
  }
  return { count: seen.size, depth, complete: true, broken: null, ends: [...ends].sort() }
}

/** The page goes first: servers run ahead of it only to bring it something. */
const ORDER = { page: 0, servers: 1 }
