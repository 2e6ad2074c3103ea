import { parseArgs } from 'node:util'
import { redisLog } from '../../../src/server/redis/index.js'
import { memoryLog, type TopicLog } from '../../../src/server/index.js'
import { startRedisServer } from '../../kit/redis-server.js'
import { seededRandom } from '../../kit/seeded-random.js'
import { runPlan, type ChaosOutcome } from './run-plan.js'
import { drawPlan, type Plan } from './trouble.js'

const HELP = `npm run chaos            real clients and servers, and a network that does what networks do
  -- --count 1000        schedules
  -- --seed 0            of the first of them
  -- --redis             with the log on a redis-server of its own, in place of memory
  -- --at-once 10        schedules at a time
  -- --json              one JSON object`

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '0' },
    'at-once': { type: 'string', default: '10' },
    redis: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) {
  console.log(HELP)
  process.exit()
}
const [count, first, atOnce] = [values.count, values.seed, values['at-once']].map(Number) as [number, number, number]
for (const number of [count, first, atOnce])
  if (!Number.isInteger(number) || number < 0) throw new Error('--count, --seed and --at-once must be whole numbers')
console.warn = () => {}

const redis = values.redis ? await startRedisServer() : null
const history = { maxMessages: 10_000, maxBytes: 10_000_000 }

async function run(plan: Plan): Promise<ChaosOutcome> {
  const logs: TopicLog[] = []
  // In memory the servers share one log. With Redis each server has its own, as on separate machines.
  const shared = redis ? null : memoryLog({ history })
  const createLog = () => {
    const log = shared ?? redisLog({ url: redis!.url, prefix: `chaos-${plan.seed}`, history })
    logs.push(log)
    return log
  }
  try {
    return await runPlan(plan, createLog)
  } finally {
    await Promise.all([...new Set(logs)].map((log) => log.close()))
  }
}

/**
 * The fewest troubles that still show the fault. Real time never repeats exactly, so each plan is tried three times.
 */
async function shrink(plan: Plan): Promise<Plan> {
  let best = plan
  for (let at = plan.troubles.length - 1; at >= 0; at--) {
    const tried = { ...best, troubles: best.troubles.filter((_, index) => index !== at) }
    for (let time = 0; time < 3; time++) {
      if ((await run(tried)).broken.length === 0) continue
      best = tried
      break
    }
  }
  return best
}

const sum = { schedules: 0, violations: 0, delivered: 0, moves: 0, reconnects: 0 }
const failures: { plan: Plan; broken: readonly string[] }[] = []
let next = first
async function worker() {
  for (let seed = next++; seed < first + count && failures.length < 5; seed = next++) {
    const plan = drawPlan(seed, seededRandom(seed))
    const outcome = await run(plan)
    sum.schedules++
    sum.delivered += outcome.delivered
    sum.moves += outcome.moves
    sum.reconnects += outcome.reconnects
    if (outcome.broken.length === 0) continue
    sum.violations++
    failures.push({ plan: await shrink(plan), broken: outcome.broken })
  }
}
await Promise.all(Array.from({ length: atOnce }, worker))
await redis?.close()
if (values.json) console.log(JSON.stringify({ chaos: sum, failures }))
else {
  console.log(
    `${sum.schedules} schedules, ${sum.delivered} deliveries, ${sum.moves} handovers, ${sum.reconnects} reconnections: ${sum.violations} broken`,
  )
  for (const { plan, broken } of failures)
    console.log(`seed ${plan.seed}: ${broken.join('; ')}\n  ${JSON.stringify(plan)}`)
}
if (failures.length > 0) process.exitCode = 1
process.exit()
