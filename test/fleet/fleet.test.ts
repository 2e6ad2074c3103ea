import { expect, test } from 'vitest'
import { before, fixedPoint, livesocket, peers } from '../../bench/fleet/client-policy.js'
import { readCommand } from '../../bench/fleet/options.js'
import { cell, isMetastable } from '../../bench/fleet/region.js'
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

test('a library that asks for a token at every dial also floods the token service', LONG, () => {
  const outcome = simulate('fleet-crash', settings('--clients', '100000', '--accepts', '200'), peer('socket.io'))
  expect(outcome.peakPerSecond).toBeGreaterThan(60_000)
  expect(outcome.tokenCalls).toBeGreaterThanOrEqual(100_000)
})

test('where refusals cost server time, clients that come back at once take longer than those that spread', LONG, () => {
  const world = ['--clients', '100000', '--accepts', '200', '--refusal-cost', '0.2']
  const ours = simulate('fleet-crash', settings(...world))
  const theirs = simulate('fleet-crash', settings(...world), peer('socket.io'))
  expect(ours.recovered99).toBeLessThan(90_000)
  expect(theirs.recovered99 ?? Infinity).toBeGreaterThan(120_000)
})

const EIGHT = ['--clients', '40000', '--nodes', '8', '--accepts', '300']

test(
  'without a set spread, 99 % of 40,000 clients of eight crashed servers are back in at most 1.3 times what the capacity needs, never exceeding it by a tenth',
  LONG,
  () => {
    const outcome = simulate('return', settings(...EIGHT))
    expect(outcome.recovered99).toBeLessThanOrEqual(22_000)
    expect(outcome.peakPerSecond).toBeLessThanOrEqual(2_640)
    expect(outcome.attemptsPerClient).toBeLessThanOrEqual(1.5)
    expect(outcome.wasted).toBe(0)
  },
)

test('where the identity service or Redis is slower than the servers, clients come back at its rate', LONG, () => {
  for (const bottleneck of ['--authenticates', '--redis']) {
    const outcome = simulate(
      'return',
      settings('--clients', '4000', '--nodes', '4', '--accepts', '300', bottleneck, '100'),
    )
    expect(outcome.recovered99, bottleneck).toBeLessThanOrEqual(40_000 * 1.15)
    expect(outcome.wasted! / outcome.calls!, bottleneck).toBeLessThanOrEqual(0.03)
  }
})

test('a server that only queues works in vain for clients that have left, and ours does not', LONG, () => {
  const world = settings('--clients', '2000', '--nodes', '2', '--accepts', '25', '--duration', '120')
  expect(simulate('return', world, peer('centrifuge')).wasted).toBeGreaterThan(2_000)
  expect(simulate('return', world).wasted).toBe(0)
})

test('a drain into a node that takes a tenth of its rate hands over all within its deadline, or reports early that it cannot', () => {
  const drain = (...more: string[]) => simulate('slow-drain', settings('--legs', '600', '--rate', '200', ...more))
  const inTime = drain('--taker', '20', '--deadline', '32')
  expect(inTime).toMatchObject({ forced: 0, notLive: 0, late: null })
  const two = ['--legs', '300', '--drains', '2', '--taker', '10', '--deadline', '20']
  const tooLate = drain(...two)
  expect(tooLate.forced).toBeGreaterThan(300)
  expect(tooLate.late!.at).toBeLessThanOrEqual(5_000)
  expect(drain(...two, '--extendable')).toMatchObject({ forced: 0, notLive: 0 })
})

test('no spread and no capacity keeps clients out for more than three times the necessary, as a fixed spread can', () => {
  const small = { clients: 1_000, nodes: 1, dial: 40, seed: 1 }
  for (const [spread, capacity] of [
    [1_000, 0.2],
    [120_000, 0.2],
    [1_000, 5],
    [30_000, 1],
  ] as const)
    expect(isMetastable(cell(small, livesocket, spread, capacity)), `${spread} ms, ${capacity} ×`).toBe(false)
  expect(isMetastable(cell({ ...small, clients: 4_000 }, before, 30_000, 0.2))).toBe(true)
})

test('a user whose Wi-Fi flaked is live again within 0.6 s, half of the time', LONG, () => {
  expect(simulate('flaky-network', settings('--clients', '100000')).recovered50).toBeLessThanOrEqual(600)
})

test('a drain of 20,000 legs at 500 a second exceeds its rate by 5 % at most, and takes 40 s within 5 %', () => {
  for (const seed of ['1', '2', '3', '4', '5']) {
    const { peakPerSecond, took } = simulate('drain', settings('--seed', seed))
    expect(peakPerSecond).toBeLessThanOrEqual(525)
    expect(took).toBeGreaterThan(38_000)
    expect(took).toBeLessThan(42_000)
  }
})

test('a rolling deploy keeps to its rate from the first node to the last, and hands all clients over', () => {
  const outcome = simulate('rolling-deploy', settings('--clients', '100000'))
  expect(outcome.peakPerSecond).toBeLessThanOrEqual(525)
  expect(outcome.movesPerClient).toBeGreaterThanOrEqual(1)
  expect(outcome.movesPerClient).toBeLessThan(2)
})

test('clients of one crashed node come back to the others within the spread, each at its first dial', LONG, () => {
  const { peakPerSecond, recovered99, attemptsPerClient } = simulate('node-crash', settings('--spread', '5'))
  expect(peakPerSecond).toBeLessThan(11_000)
  expect(recovered99).toBeLessThan(5_500)
  expect(attemptsPerClient).toBe(1)
})

test('a refresh at a fixed point of the token lifetime never spreads clients out', LONG, () => {
  const { peakToMean1s } = simulate('login-burst', settings('--clients', '10000'), fixedPoint)
  expect(peakToMean1s!.map(Math.round)).toEqual(Array(8).fill(420))
})

test('the same seed gives the same run, and another seed another run', () => {
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
