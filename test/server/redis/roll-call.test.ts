import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { verdict } from '../../../src/server/redis/roll-call.js'
import { seededRandom } from '../../kit/seeded-random.js'
import { startRedisServer, type RedisServer } from '../../kit/redis-server.js'
import { search, WORLDS } from './roll-call-search.js'
import {
  choicesOf,
  make,
  newWorld,
  realRedis,
  type Ask,
  type Choice,
  type Rule,
  type World,
} from './roll-call-world.js'

/** The number of random sequences that a real Redis is led through. */
const WALKS = 40

describe('every sequence of events of two nodes and a Redis', () => {
  test.each(Object.entries(WORLDS))(
    'with %s: no number is used for two messages, and no epoch ends needlessly',
    (_, budget) => {
      const { states, wrong, way } = search(budget, verdict)
      expect({ wrong, way }).toEqual({ wrong: null, way: '' })
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
    'finds the fault in a rule that %s',
    (_, name, rule) => {
      expect(search(WORLDS[name]!, rule).wrong).not.toBeNull()
    },
    120_000,
  )
})

describe('the scripts on a real Redis answer like the model', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedisServer({ more: ['--enable-debug-command', 'yes'] })
  })
  afterAll(() => server.close())

  /** Leads the model and the real Redis through the same choices. Returns how many questions there were. */
  async function lead(name: string, choose: (world: World, step: number) => Choice | undefined): Promise<number> {
    const world = newWorld()
    const redis = await realRedis(server, name)
    onTestFinished(() => redis.close())
    const way: Choice[] = []
    let asked = 0
    for (let choice = choose(world, 0); choice; choice = choose(world, way.length)) {
      way.push(choice)
      for (const ask of make(world, choice, verdict, {})) {
        asked++
        const answer = await redis.replay(ask)
        if ('answer' in ask) expect({ name, way, answer }).toEqual({ name, way, answer: ask.answer })
      }
    }
    return asked
  }

  test('in random sequences of events', async () => {
    const random = seededRandom(1)
    let asked = 0
    for (let walk = 0; walk < WALKS; walk++)
      asked += await lead(`walk-${walk}`, (world, step) => {
        const choices = choicesOf(world, {})
        return step < 60 ? choices[Math.floor(random() * choices.length)] : undefined
      })
    expect(asked).toBeGreaterThan(WALKS * 20)
  }, 120_000)

  const BEGUN: readonly Choice[] = [['connect', 0], ['settle', 0], ['connect', 0], ['copy']]
  test.each<[string, readonly Choice[]]>([
    [
      'where a node that misses messages joins between a decision and its word, which ends the epoch',
      [
        ...BEGUN,
        ['connect', 1],
        ['append', 1],
        ['read', 1],
        ['cut', 0],
        ['cut', 1],
        ['restore'],
        ['connect', 0],
        ['connect', 1],
        ['settle', 0],
        ['settle', 1],
        ['connect', 0],
        ['connect', 1],
      ],
    ],
    [
      'where the log has fewer messages than a node knows and no history, which shows the loss',
      [...BEGUN, ['append', 0], ['read', 0], ['cut', 0], ['restore'], ['evict'], ['connect', 0]],
    ],
  ])('%s', async (name, way) => {
    await lead(name.slice(0, 20), (_, step) => way[step])
  })

  test('where a node asks with a term that has passed: it is told so, and does not count as present', async () => {
    const world = newWorld()
    const redis = await realRedis(server, 'passed')
    onTestFinished(() => redis.close())
    const asks: Ask[] = []
    for (const choice of [...BEGUN, ['restore']] as const) {
      asks.push(...make(world, choice, verdict, {}))
      while (asks.length > 1) await redis.replay(asks.shift()!)
    }
    await redis.replay(asks.shift()!)
    const known = { epoch: '', seq: 0, last: '' }
    const roll = { ask: 'roll', node: 'b', known, ended: [], answer: { word: 'other' } } as const
    expect(await redis.replay({ ...roll, term: 'T1' })).toEqual({ word: 'other' })
  })
})
