import { describe, expect, onTestFinished, test } from 'vitest'
import { verdict } from '../../../src/server/redis/roll-call.js'
import { seededRandom } from '../../kit/seeded-random.js'
import { startRedisServer } from '../../kit/redis-server.js'
import { search, WORLDS } from './roll-call-search.js'
import { choicesOf, make, newWorld, realRedis, type Choice, type Rule } from './roll-call-world.js'

/** Sequences of choices that a real Redis is led through. */
const WALKS = 40

describe('of two nodes and a Redis all that can happen, to the end', () => {
  test.each(Object.entries(WORLDS))(
    'with %s: no number has two meanings, and no epoch ends for nothing',
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
