import { expect, it } from 'vitest'
import { lastLine } from './ask.js'

interface Proof {
  readonly exhaustive: { readonly states: number; readonly depth: number; readonly complete: boolean }
  readonly redis: { readonly states: number; readonly complete: boolean; readonly violations: number }
  readonly random: { readonly schedules: number; readonly violations: number }
  readonly chaos: { readonly schedules: number; readonly violations: number }
  readonly mutants: { readonly planted: number; readonly caught: number }
  readonly failures: readonly { readonly promises: readonly string[]; readonly replay: string }[]
}

it('whatever network, servers, token service and page do, no message is lost in silence or delivered twice, every publish settles, and the page ends live', {
  timeout: 900_000,
}, async () => {
  const { exhaustive, redis, random, chaos, mutants, failures } = JSON.parse(
    await lastLine(['--import', 'tsx', 'test/prove/main.ts', '--quick', '--json']),
  ) as Proof
  expect(failures.map(({ promises, replay }) => `${promises.join('; ')}: npm run replay ${replay}`)).toEqual([])
  expect(exhaustive.complete).toBe(true)
  // With fewer states little would happen in these worlds. The exact number changes with the client.
  expect(exhaustive.states).toBeGreaterThan(500_000)
  expect(exhaustive.depth).toBeGreaterThan(30)
  expect(redis).toMatchObject({ complete: true, violations: 0 })
  expect(redis.states).toBeGreaterThan(500)
  expect(random).toMatchObject({ violations: 0 })
  expect(random.schedules).toBeGreaterThanOrEqual(100_000)
  expect(chaos).toEqual({ schedules: 180, violations: 0 })
  expect(mutants.caught).toBe(mutants.planted)
})
