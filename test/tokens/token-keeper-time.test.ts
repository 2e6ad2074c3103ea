import { expect, test } from 'vitest'
import { keepToken, MINUTE, SECOND } from '../kit/kept-token.js'

const HOUR = 60 * MINUTE

test('after eight hours of sleep one call catches up, and a dial waits for it alone', async () => {
  const { check, clock, dial, calls } = keepToken()
  await dial()
  await clock.advance(3 * MINUTE)
  clock.sleep(8 * HOUR)
  check()
  check()
  expect(calls).toHaveLength(1)
  expect(await dial(2 * SECOND)).toBe('token-2')
  expect(calls.map((call) => call.reason)).toEqual(['first', 'wake'])
  await clock.advance(4 * MINUTE)
  expect(calls).toHaveLength(2)
})

test('a sleep that the browser does not report is noticed within a minute, plus a second of jitter', async () => {
  const { clock, dial, calls } = keepToken()
  await dial()
  clock.sleep(8 * HOUR)
  await clock.advance(MINUTE + 1_001)
  expect(calls.map((call) => call.reason)).toEqual(['first', 'wake'])
})

test('a dial right after the sleep does not wait for the jitter', async () => {
  const { clock, dial, calls } = keepToken()
  await dial()
  clock.sleep(8 * HOUR)
  expect(await dial()).toBe('token-2')
  expect(calls[1]!.reason).toBe('wake')
})

test.each([
  ['back', -HOUR],
  ['forward', HOUR],
])(
  'a clock that is set %s by an hour causes at most one early call, and no token is kept for more than 9 of its 10 minutes',
  async (_, jump) => {
    const { clock, dial, calls } = keepToken()
    await dial()
    for (let i = 0; i < 30; i++) {
      await clock.advance(MINUTE)
      if (i === 7) clock.setWall(clock.now() + jump)
      await dial()
    }
    const gaps = calls.slice(1).map((call, i) => call.at - calls[i]!.at)
    for (const gap of gaps) expect(gap).toBeLessThanOrEqual(9 * MINUTE)
    expect(gaps.filter((gap) => gap < 5 * MINUTE).length).toBeLessThanOrEqual(jump > 0 ? 1 : 0)
  },
)

test('a clock that is set back during a call does not lengthen the life of the token', async () => {
  let answer = (_: string) => {}
  const { clock, dial, state } = keepToken([() => new Promise((resolve) => (answer = resolve))])
  await dial(5 * SECOND)
  clock.setWall(clock.now() - HOUR)
  answer('token-1')
  await clock.flush()
  expect(state()!.expiresAt! - clock.now()).toBe(10 * MINUTE - 5 * SECOND)
})

test('a refresh waits while the browser is offline, and happens within two seconds of being back', async () => {
  let online = true
  const { check, clock, dial, calls } = keepToken([], { online: () => online })
  await dial()
  online = false
  await clock.advance(9.5 * MINUTE)
  expect(await dial()).toBe('token-1')
  expect(calls).toHaveLength(1)
  online = true
  check()
  await clock.advance(2 * SECOND)
  expect(calls).toHaveLength(2)
  expect(await dial()).toBe('token-2')
})

test('a dial asks for a token even while the browser says offline, and calls that fail then do not lengthen the backoff', async () => {
  let online = false
  const { check, clock, dial, calls } = keepToken(
    [new Error('no network'), new Error('no network'), new Error('no network'), 'token-4'],
    { online: () => online },
  )
  await dial()
  await clock.advance(105 * SECOND)
  expect(calls.length).toBeGreaterThanOrEqual(3)
  expect(calls.every((call) => call.attempt === 1)).toBe(true)
  online = true
  check()
  expect(await dial(2 * SECOND)).toBe('token-4')
})

test.each([
  ['back online', true],
  ['wrongly reported offline', false],
])('being %s does not bring the next call before the retryAfter of the token service', async (_, hint) => {
  let online = hint
  const { check, clock, dial, calls } = keepToken([{ retryAfter: 5 * MINUTE }, 'token-2'], { online: () => online })
  await dial(SECOND)
  for (const hint of [false, true, false, true]) {
    online = hint
    check()
    await clock.advance(20 * SECOND)
  }
  expect(calls).toHaveLength(1)
  expect(await dial(5 * MINUTE)).toBe('token-2')
  expect(calls[1]!.at).toBeGreaterThan(5 * MINUTE)
})

test('a hidden tab refreshes early enough for a timer that is a minute late', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const { clock, dial, calls } = keepToken([], { hidden: () => true, seed })
    await dial()
    await clock.advance(9 * MINUTE)
    expect(calls[1]!.at).toBeLessThanOrEqual(515 * SECOND)
    expect(calls[1]!.at).toBeGreaterThanOrEqual(5 * MINUTE)
  }
})

test('a tab that becomes hidden refreshes at once a token that is already due for a hidden tab', async () => {
  let hidden = false
  const { check, clock, dial, calls } = keepToken([], { hidden: () => hidden, random: () => 0.99 })
  await dial()
  await clock.advance(530 * SECOND)
  expect(calls).toHaveLength(1)
  hidden = true
  check()
  await clock.flush()
  expect(calls).toHaveLength(2)
})

test('tokens that live a minute, or seconds, are kept fresh without hammering', async () => {
  for (const ttl of [5 * SECOND, MINUTE]) {
    const { clock, dial, calls } = keepToken([(call) => Promise.resolve({ token: `token-${call.at}`, ttl })], {
      hidden: () => true,
    })
    await dial()
    await clock.advance(10 * MINUTE)
    expect(calls.length).toBeLessThanOrEqual((10 * MINUTE) / (ttl * 0.25) + 1)
    expect(calls.length).toBeGreaterThan(10)
  }
})

test('the status of a token that cannot be renewed goes from none over valid to stale', async () => {
  const { clock, dial, status } = keepToken(['token-1', new Error('503')])
  const seen: string[] = []
  const note = () => seen.at(-1) !== status() && seen.push(status())
  note()
  await dial()
  for (let i = 0; i < 660; i++, note()) await clock.advance(SECOND)
  expect(seen).toEqual(['none', 'valid', 'stale'])
})
