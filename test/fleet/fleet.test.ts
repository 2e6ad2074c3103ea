import { expect, test } from 'vitest'
import { fixedPoint, peers } from '../../bench/fleet/client-policy.js'
import { readCommand } from '../../bench/fleet/options.js'
import { simulate } from '../../bench/fleet/scenarios.js'

const settings = (...args: string[]) => readCommand(args).settings
const peer = (name: string) => peers.find((policy) => policy.name === name)!
const LONG = { timeout: 60_000 }

test(
  'a token service that is down for a minute sees 7,600 requests a second of a million clients at most, and 0.15 % of them expire',
  LONG,
  () => {
    const { peakPerSecond, expiredShare, recovered99 } = simulate('token-outage', settings())
    expect(recovered99).toBeGreaterThan(60_000)
    expect(recovered99).toBeLessThan(300_000)
    expect(peakPerSecond).toBeLessThanOrEqual(7_600)
    expect(expiredShare).toBeLessThanOrEqual(0.0015)
  },
)

test('the same outage with the retries of centrifuge and supabase is 20,000 requests a second and more', LONG, () => {
  for (const name of ['centrifuge', 'supabase']) {
    const outcome = simulate('token-outage', settings(), peer(name))
    expect(outcome.peakPerSecond).toBeGreaterThan(18_000)
    expect(outcome.expiredShare).toBeGreaterThan(0.0015)
  }
})

test.each([
  ['30', 36_000],
  ['60', 18_000],
])(
  'a million legs lost at once come back at a spread of %s s with %d dials a second at most, and cost no token call',
  LONG,
  (spread, most) => {
    const outcome = simulate('fleet-crash', settings('--spread', spread))
    expect(outcome.peakPerSecond).toBeLessThanOrEqual(most)
    expect(outcome.peakPerSecond).toBeGreaterThan(1_000_000 / Number(spread))
    expect(outcome.tokenCalls).toBe(0)
    expect(outcome.expiredShare).toBe(0)
    expect(outcome.recovered99).toBeLessThan(3 * Number(spread) * 1_000)
  },
)

test('a library that asks for a token at every dial takes the token service along', LONG, () => {
  const outcome = simulate('fleet-crash', settings('--clients', '100000', '--accepts', '200'), peer('socket.io'))
  expect(outcome.peakPerSecond).toBeGreaterThan(60_000)
  expect(outcome.tokenCalls).toBeGreaterThanOrEqual(100_000)
})

test('refusals that cost something hurt those that come at once', LONG, () => {
  const world = ['--clients', '100000', '--accepts', '200', '--refusal-cost', '0.2']
  const ours = simulate('fleet-crash', settings(...world))
  const theirs = simulate('fleet-crash', settings(...world), peer('socket.io'))
  expect(ours.recovered99).toBeLessThan(90_000)
  expect(theirs.recovered99 ?? Infinity).toBeGreaterThan(120_000)
})

test('a user whose Wi-Fi flaked is live again within 0.6 s, half of the time', LONG, () => {
  expect(simulate('flaky-network', settings('--clients', '100000')).recovered50).toBeLessThanOrEqual(600)
})

test('a drain of 20,000 legs at 500 a second is never above that by 5 %, and done within 5 % of 40 s', () => {
  for (const seed of ['1', '2', '3', '4', '5']) {
    const { peakPerSecond, took } = simulate('drain', settings('--seed', seed))
    expect(peakPerSecond).toBeLessThanOrEqual(525)
    expect(took).toBeGreaterThan(38_000)
    expect(took).toBeLessThan(42_000)
  }
})

test('a rolling deploy keeps to its rate from the first node to the last, and moves everybody', () => {
  const outcome = simulate('rolling-deploy', settings('--clients', '100000'))
  expect(outcome.peakPerSecond).toBeLessThanOrEqual(525)
  expect(outcome.movesPerClient).toBeGreaterThanOrEqual(1)
  expect(outcome.movesPerClient).toBeLessThan(2)
})

test('one node’s users come back within the spread, and the others take them', LONG, () => {
  const { peakPerSecond, recovered99, attemptsPerClient } = simulate('node-crash', settings('--spread', '5'))
  expect(peakPerSecond).toBeLessThan(11_000)
  expect(recovered99).toBeLessThan(5_500)
  expect(attemptsPerClient).toBe(1)
})

test('a timer at a fixed point keeps everybody in one second for ever', LONG, () => {
  const { peakToMean1s } = simulate('login-burst', settings('--clients', '10000'), fixedPoint)
  expect(peakToMean1s!.map(Math.round)).toEqual(Array(8).fill(420))
})

test('the same seed is the same run, and another seed is another', () => {
  const run = (seed: string) => {
    const { series: _, ...numbers } = simulate(
      'token-outage',
      settings('--clients', '20000', '--token-capacity', '120', '--seed', seed),
    )
    return numbers
  }
  expect(run('7')).toEqual(run('7'))
  expect(run('7')).not.toEqual(run('8'))
})
