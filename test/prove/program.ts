import { createLiveSocket } from '../../src/index.js'
import { givenChoices, randomChoices, type Choices } from './choices.js'
import { exploreJoint, exploreSchedules, exploreStates, type Exploration } from './explore.js'
import { JointWorld } from './joint-world.js'
import { takeOverTimers } from './machine.js'
import { randomWorld } from './random-world.js'
import { SCENARIOS, SMALL_WORLDS, SMALLEST_WORLDS } from './scenarios.js'
import { caseText, shrink, type Case } from './shrink.js'
import { runWorld, type Outcome, type WorldOptions } from './world.js'

/** The task of a run, as JSON in its first argument. */
export type Ask =
  | { readonly kind: 'random'; readonly from: number; readonly count: number }
  /**
   * `everyOrder`: also tries orders of moves that make no difference. `whole`: runs a small world as a whole, with each
   * path run again, so that both results can be compared.
   */
  | {
      readonly kind: 'explore'
      readonly scenario: string
      readonly deviations: number
      readonly everyOrder?: boolean
      readonly whole?: boolean
    }
  | { readonly kind: 'replay'; readonly one: Case }

/** The result, as JSON in the last line. */
export type Answer =
  | {
      readonly kind: 'random'
      readonly schedules: number
      readonly steps: number
      readonly failures: readonly Failure[]
    }
  | {
      readonly kind: 'explore'
      readonly scenario: string
      readonly exploration: Omit<Exploration, 'broken'>
      readonly failures: readonly Failure[]
    }
  | ({ readonly kind: 'replay' } & Pick<Outcome, 'broken' | 'story' | 'pictures'>)

export interface Failure {
  readonly seed: number
  readonly promises: readonly string[]
  /** The smallest case that shows the failure, for `npm run replay`. */
  readonly replay: string
}

/** After so many failures another one would show nothing new. */
const MOST_FAILURES = 3

// The warnings of the client would be printed a million times.
console.warn = () => {}
// Nobody reads the stack traces of these errors, and creating them takes a large part of a schedule's time.
Error.stackTraceLimit = 0

const machine = takeOverTimers()
const run = (world: WorldOptions, choices: Choices, seed: number, story = false) =>
  runWorld(createLiveSocket, world, choices, seed, machine, story)

async function failure(found: Case, promises: readonly string[]): Promise<Failure> {
  const least = await shrink(found, async ({ world, choices, seed }) => {
    const { broken } = await run(world, givenChoices(choices), seed)
    return broken.length > 0
  })
  return { seed: found.seed, promises, replay: caseText(least) }
}

async function random(from: number, count: number): Promise<Answer> {
  const failures: Failure[] = []
  let steps = 0
  let seed = from
  for (; seed < from + count && failures.length < MOST_FAILURES; seed++) {
    const world = randomWorld(seed)
    const choices = randomChoices(seed)
    const outcome = await run(world, choices, seed)
    steps += outcome.steps
    if (outcome.broken.length > 0) failures.push(await failure({ world, seed, choices: choices.made }, outcome.broken))
  }
  return { kind: 'random', schedules: seed - from, steps, failures }
}

/** Searches a small world for all its states, and any other world for its schedules with a number of deviations. */
async function exhaust({
  scenario,
  deviations,
  everyOrder,
  whole,
}: Extract<Ask, { kind: 'explore' }>): Promise<Answer> {
  const small = SMALL_WORLDS[scenario] ?? SMALLEST_WORLDS[scenario]
  const world = small ?? SCENARIOS[scenario]
  if (!world) throw new Error(`there is no scenario "${scenario}"`)
  const go = (one: WorldOptions, choices: Choices) => run(one, choices, 1)
  const search = () => {
    if (!small) return exploreSchedules(world, deviations, go)
    if (whole) return exploreStates(world, go, everyOrder)
    return exploreJoint(world, new JointWorld(createLiveSocket, world, machine), go, everyOrder)
  }
  const { broken, ...exploration } = await search()
  const failures = broken ? [await failure({ world, seed: 1, choices: broken.choices }, broken.promises)] : []
  return { kind: 'explore', scenario, exploration, failures }
}

const ask = JSON.parse(process.argv[2]!) as Ask
let answer: Answer
if (ask.kind === 'random') answer = await random(ask.from, ask.count)
else if (ask.kind === 'explore') answer = await exhaust(ask)
else {
  const { broken, story, pictures } = await run(ask.one.world, givenChoices(ask.one.choices), ask.one.seed, true)
  answer = { kind: 'replay', broken, story, pictures }
}
console.log(JSON.stringify(answer))
