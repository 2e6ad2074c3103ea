import { describe, expect, onTestFinished, test } from 'vitest'
import { verdict } from '../../../src/server/redis/roll-call.js'
import { seededRandom } from '../../kit/seeded-random.js'
import { startRedisServer } from '../../kit/redis-server.js'
import {
  choicesOf,
  make,
  newWorld,
  realRedis,
  type Budget,
  type Choice,
  type Rule,
  type World,
} from './roll-call-world.js'

/** Every state that can be reached, once. Answers how many there are, and the way to the first one that is wrong. */
function search(budget: Budget, rule: Rule): { states: number; wrong: string | null; way: string } {
  const begun = JSON.stringify(bothThere())
  /** Each state, and how it was come to. */
  const seen = new Map<string, { readonly from: string; readonly choice: Choice } | null>([[begun, null]])
  const wayTo = (state: string): string => {
    const last = seen.get(state)
    return last ? `${wayTo(last.from)} ${last.choice.join(' ')},` : ''
  }
  // A map tells of what is put into it meanwhile, too.
  for (const from of seen.keys()) {
    for (const choice of choicesOf(JSON.parse(from) as World, budget)) {
      const world = JSON.parse(from) as World
      make(world, choice, rule, budget)
      const state = JSON.stringify(world)
      if (seen.has(state)) continue
      seen.set(state, { from, choice })
      if (world.wrong) return { states: seen.size, wrong: world.wrong, way: wayTo(state) }
    }
  }
  return { states: seen.size, wrong: null, way: '' }
}

/** Both nodes have come, one after the other, and nothing was appended yet. */
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

/** Sequences of choices that a real Redis is led through. */
const WALKS = 40

const NONE: Budget = { append: 0, patience: 0, cut: 0, die: 0, copy: 0, restore: 0, promote: 0, trim: 0 }
const WORLDS: Record<string, Budget> = {
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
  'promotions that lose nothing': { ...NONE, append: 3, cut: 1, promote: 2 },
}

describe('of two nodes and a Redis all that can happen, to the end', () => {
  test.each(Object.entries(WORLDS))(
    'with %s: no number has two meanings, and no epoch ends for nothing',
    (_, budget) => {
      const { states, ...found } = search(budget, verdict)
      expect(found).toEqual({ wrong: null, way: '' })
      expect(states).toBeGreaterThan(500)
    },
    120_000,
  )

  test.each<[string, string, Rule]>([
    [
      'waits for nobody',
      'a copy that is put back',
      (standing) => (verdict(standing) === 'wait' ? 'hold' : verdict(standing)),
    ],
    [
      'believes in an epoch that lacks what it knows',
      'a copy that is put back',
      (standing) => verdict({ ...standing, claim: 'found', missing: standing.claim === 'lost' ? 0 : standing.missing }),
    ],
    [
      'gives up a node that does not come, and goes on',
      'a copy that is put back, and a node that is not waited for',
      (standing) => verdict({ ...standing, durable: standing.waited > 0 ? true : undefined }),
    ],
    [
      'ends the epoch whenever another is the master',
      'promotions that lose nothing',
      (standing) => (standing.sameTerm ? verdict(standing) : 'renew'),
    ],
  ])(
    'a rule that %s is found to be wrong',
    (_, name, rule) => {
      expect(search(WORLDS[name]!, rule).wrong).not.toBeNull()
    },
    120_000,
  )
})

test('the scripts on a real Redis answer as the model does, whatever happens', async () => {
  const server = await startRedisServer({ more: ['--enable-debug-command', 'yes'] })
  onTestFinished(() => server.close())
  const random = seededRandom(1)
  let asked = 0
  for (let walk = 0; walk < WALKS; walk++) {
    const world = newWorld()
    const redis = await realRedis(server, `walk-${walk}`)
    const way: Choice[] = []
    for (let step = 0; step < 60; step++) {
      const choices = choicesOf(world, {})
      const choice = choices[Math.floor(random() * choices.length)]!
      way.push(choice)
      for (const ask of make(world, choice, verdict, {})) {
        asked++
        const answer = await redis.replay(ask)
        if ('answer' in ask) expect({ walk, way, answer }).toEqual({ walk, way, answer: ask.answer })
      }
    }
    redis.close()
  }
  expect(asked).toBeGreaterThan(WALKS * 20)
}, 120_000)
