import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { verdict } from '../../src/server/redis/roll-call.js'
import { search, WORLDS } from '../server/redis/roll-call-search.js'
import { askProgram, lastLine } from './ask.js'
import { compileProgram, type Program } from './compile.js'
import { MUTANTS, type Mutant } from './mutants.js'
import type { Failure } from './program.js'
import { QUICK_WORLDS, SCENARIOS, SMALL_WORLDS } from './scenarios.js'
import { firstFailing } from './test-judge.js'

const HELP = `npm run prove             tests the whole client against model servers: every schedule within a bound, many at random, and planted mistakes
  -- --quick               what CI runs
  -- --schedules 1000000   random schedules; default 1,000,000, or 100,000 with --quick
  -- --seed 0              seed of the first random schedule
  -- --deviations 2        how often a searched schedule may deviate from the default order; default 3, or 1 with --quick
  -- --part NAME           only exhaustive, redis, random, chaos or mutants
  -- --json                one JSON object`

const { values } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    schedules: { type: 'string' },
    seed: { type: 'string', default: '0' },
    deviations: { type: 'string' },
    part: { type: 'string', multiple: true, default: ['exhaustive', 'redis', 'random', 'chaos', 'mutants'] },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}

const say = (line: string) => void (values.json ? console.error(line) : console.log(line))
const wants = (part: string) => values.part.includes(part)
const schedules = Number(values.schedules ?? (values.quick ? 100_000 : 1_000_000))
const deviations = Number(values.deviations ?? (values.quick ? 1 : 3))
const seed = Number(values.seed)
for (const [name, number] of Object.entries({ schedules, deviations, seed }))
  if (!Number.isInteger(number) || number < 0) throw new Error(`--${name} must be a whole number`)

let free = availableParallelism()
const queued: (() => void)[] = []

/** Runs each job once, as many at a time over all parts as there are processors. Results have the order of the jobs. */
function inParallel<Job, Result>(jobs: readonly Job[], work: (job: Job) => Promise<Result>): Promise<Result[]> {
  return Promise.all(
    jobs.map(async (job) => {
      if (free === 0) await new Promise<void>((resolve) => queued.push(resolve))
      else free--
      try {
        return await work(job)
      } finally {
        const next = queued.shift()
        if (next) next()
        else free++
      }
    }),
  )
}

const failures: Failure[] = []

/** The Redis world that --quick searches. The tests search all of them. */
const QUICK_REDIS = 2

async function exhaustive({ path }: Program) {
  const visible = await compileProgram({ visible: true })
  const search = (of: string, what: string) => async (scenario: string) => {
    const answer = await askProgram(of, { kind: 'explore', scenario, deviations })
    const { count, depth, complete } = answer.exploration
    say(`${scenario}: ${count} ${what}, up to ${depth} steps${complete ? '' : ', BROKEN'}`)
    return answer
  }
  try {
    const small = Object.keys(values.quick ? QUICK_WORLDS : SMALL_WORLDS)
    const [ofStates, ofSchedules] = await Promise.all([
      inParallel(small, search(visible.path, 'states')),
      inParallel(Object.keys(SCENARIOS), search(path, `schedules with ${deviations} deviations`)),
    ])
    const answers = [...ofStates, ...ofSchedules]
    const sum = (some: typeof answers) => some.reduce((all, { exploration }) => all + exploration.count, 0)
    failures.push(...answers.flatMap((answer) => answer.failures))
    return {
      states: sum(ofStates),
      schedules: sum(ofSchedules),
      deviations,
      depth: Math.max(...answers.map(({ exploration }) => exploration.depth)),
      complete: answers.every(({ exploration }) => exploration.complete),
    }
  } finally {
    await visible.remove()
  }
}

/**
 * Two nodes and a Redis as a model, with the product's own rule; test/server/redis/roll-call.test.ts runs the scripts
 * through the same worlds.
 */
function redis() {
  const names = Object.keys(WORLDS).filter((_, at) => !values.quick || at === QUICK_REDIS)
  const found = names.map((name) => {
    const one = search(WORLDS[name]!, verdict)
    say(
      `Redis, with ${name}: ${one.states} states, up to ${one.depth} steps${one.wrong ? `: ${one.wrong}: ${one.way}` : ''}`,
    )
    return one
  })
  return {
    states: found.reduce((sum, { states }) => sum + states, 0),
    depth: Math.max(...found.map(({ depth }) => depth)),
    complete: found.every(({ wrong }) => wrong === null),
    violations: found.filter(({ wrong }) => wrong !== null).length,
  }
}

/** Schedules of one process: so many that its code is compiled for most of them. */
const LUMP = 25_000

async function random({ path }: Program) {
  const lumps = Array.from({ length: Math.ceil(schedules / LUMP) }, (_, index) => ({
    from: seed + index * LUMP,
    count: Math.min(LUMP, schedules - index * LUMP),
  }))
  const answers = await inParallel(lumps, (lump) => askProgram(path, { kind: 'random', ...lump }))
  const found = answers.flatMap((answer) => answer.failures)
  failures.push(...found)
  const run = answers.reduce((sum, answer) => sum + answer.schedules, 0)
  const steps = answers.reduce((sum, answer) => sum + answer.steps, 0)
  say(`${run} random schedules, ${steps} steps: ${found.length} broken`)
  return { schedules: run, steps, violations: found.length }
}

/** Real sockets, with the log in memory and on Redis, as in `npm run chaos`. */
async function chaos() {
  const runs = values.quick
    ? [
        ['--count', '150'],
        ['--redis', '--count', '30'],
      ]
    : [
        ['--count', '10000'],
        ['--redis', '--count', '1000'],
      ]
  const run = async (args: readonly string[]) => {
    const line = await lastLine(['--import', 'tsx', 'test/prove/chaos/main.ts', '--json', ...args])
    const { chaos: sum, failures: found } = JSON.parse(line) as Chaos
    say(
      `${sum.schedules} schedules on real sockets${args[0] === '--redis' ? ', with Redis' : ''}: ${sum.violations} broken`,
    )
    for (const { plan, broken } of found) say(`BROKEN: ${broken.join('; ')}\n  ${JSON.stringify(plan)}`)
    return sum
  }
  const sums = await Promise.all(runs.map(run))
  return {
    schedules: sums.reduce((sum, one) => sum + one.schedules, 0),
    violations: sums.reduce((sum, one) => sum + one.violations, 0),
  }
}

interface Chaos {
  readonly chaos: { readonly schedules: number; readonly violations: number }
  readonly failures: readonly { readonly plan: object; readonly broken: readonly string[] }[]
}

/** If this many schedules do not show a mistake, the search cannot see it. */
const MUTANT_SCHEDULES = 10_000
/** With --quick, only one mistake out of so many is tried. */
const QUICK_MUTANTS = 12

async function mutants() {
  const planted = values.quick ? MUTANTS.filter((_, at) => at % QUICK_MUTANTS === 0) : MUTANTS
  const judges = new Map(planted.filter(isJudged).map((one) => [one.judge, one]))
  await inParallel([...judges.values()], async (judge) => {
    const failing = await firstFailing(judge, null)
    if (failing !== null) throw new Error(`${judge.judge} fails without any mistake: ${failing}`)
  })
  const caught = await inParallel(planted, async (mutant) => {
    const by = await (isJudged(mutant) ? firstFailing(mutant, mutant) : seenBySearch(mutant))
    say(by === null ? `${mutant.name}: NOT CAUGHT` : `${mutant.name}: caught by ${mutant.judge ?? 'the search'}: ${by}`)
    return by !== null
  })
  return { planted: planted.length, caught: caught.filter(Boolean).length }
}

const isJudged = (mutant: Mutant): mutant is Mutant & { readonly judge: string } => mutant.judge !== undefined

/** The promise that is broken first; null if none is. */
async function seenBySearch(plant: Mutant): Promise<string | null> {
  const program = await compileProgram({ plant })
  try {
    for (let from = 0; from < MUTANT_SCHEDULES; from += 1_000) {
      const { failures: found } = await askProgram(program.path, { kind: 'random', from, count: 1_000 })
      if (found.length > 0) return found[0]!.promises[0]!
    }
    return null
  } finally {
    await program.remove()
  }
}

const program = await compileProgram()
const began = performance.now()
const result: Record<string, unknown> = {}
try {
  // One search takes longer than all others, so the random search runs beside it.
  const [exhausted, drawn] = await Promise.all([
    wants('exhaustive') ? exhaustive(program) : undefined,
    wants('random') ? random(program) : undefined,
  ])
  if (exhausted) result['exhaustive'] = exhausted
  if (drawn) result['random'] = drawn
  if (wants('redis')) result['redis'] = redis()
} finally {
  await program.remove()
}
const chaotic = wants('chaos') ? await chaos() : undefined
if (chaotic) result['chaos'] = chaotic
const planted = wants('mutants') ? await mutants() : undefined
if (planted) result['mutants'] = planted
for (const { seed: of, promises, replay } of failures)
  say(`BROKEN (seed ${of}): ${promises.join('; ')}\n  npm run replay ${replay}`)
say(`${((performance.now() - began) / 1_000).toFixed(0)} s`)
if (values.json) console.log(JSON.stringify({ ...result, failures }))
const ofRedis = result['redis'] as ReturnType<typeof redis> | undefined
if (
  failures.length > 0 ||
  (ofRedis?.violations ?? 0) > 0 ||
  (chaotic?.violations ?? 0) > 0 ||
  (planted && planted.caught < planted.planted)
)
  process.exitCode = 1
