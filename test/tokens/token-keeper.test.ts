import { expect, test } from 'vitest'
import { LiveSocketError } from '../../src/base/errors.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { jwt, keepToken, MINUTE, SECOND, type Answer } from '../kit/kept-token.js'

test('nothing is fetched before a dial asks, and many dials at once cost one call', async () => {
  const { keeper, calls, clock, dial, events } = keepToken([async () => 'token-1'])
  await clock.advance(MINUTE)
  expect(calls).toHaveLength(0)
  const dials = [dial(), dial(), dial()]
  expect(await Promise.all(dials)).toEqual(['token-1', 'token-1', 'token-1'])
  expect(calls).toMatchObject([{ reason: 'first', attempt: 1 }])
  expect(events).toEqual(['fresh token-1', 'refreshed first'])
  keeper.rest()
})

test('without a provider there is no token, and a dial goes on without one', async () => {
  const { dial, status } = keepToken(null)
  expect(await dial()).toBeUndefined()
  expect(status()).toBe('none')
})

test('a reconnection never fetches while the token is valid', async () => {
  const { calls, clock, dial } = keepToken()
  await dial()
  for (let i = 0; i < 50; i++) {
    await clock.advance(5 * SECOND)
    expect(await dial()).toBe('token-1')
  }
  expect(calls).toHaveLength(1)
})

test('each token is refreshed at a random age between 5 and 9 of its 10 minutes', async () => {
  const { calls, clock, dial } = keepToken()
  await dial()
  await clock.advance(120 * MINUTE)
  const gaps = calls.slice(1).map((call, i) => call.at - calls[i]!.at)
  expect(gaps.length).toBeGreaterThan(13)
  for (const gap of gaps) {
    expect(gap).toBeGreaterThanOrEqual(5 * MINUTE)
    expect(gap).toBeLessThanOrEqual(9 * MINUTE)
  }
  expect(new Set(gaps.map(Math.round)).size).toBe(gaps.length)
  expect(calls.slice(1).every((call) => call.reason === 'scheduled')).toBe(true)
})

test.each<[string, Answer, number, object?]>([
  ['ttl', { token: 'opaque', ttl: 60 * MINUTE }, 60 * MINUTE],
  ["the JWT's own exp − iat, whatever the clocks say", jwt('ann', 20 * 60), 20 * MINUTE],
  ['ttl before the JWT', { token: jwt('ann', 20 * 60), ttl: 4 * MINUTE }, 4 * MINUTE],
  ['the default of the options', 'opaque', 2 * MINUTE, { tokenRefresh: { lifetime: 2 * MINUTE } }],
  ['ten minutes', 'opaque', 10 * MINUTE],
  ['forty days, past what a timer can hold', { token: 'opaque', ttl: 40 * 1440 * MINUTE }, 40 * 1440 * MINUTE],
])('the lifetime is taken from %s', async (_, answer, lifetime, options) => {
  const { clock, dial, state } = keepToken([answer], options as object)
  await dial()
  const { refreshAt, expiresAt, status } = state()!
  expect(status).toBe('valid')
  expect(expiresAt! - clock.now()).toBe(lifetime)
  expect((refreshAt! - clock.now()) / lifetime).toBeGreaterThanOrEqual(0.5)
  expect((refreshAt! - clock.now()) / lifetime).toBeLessThanOrEqual(0.9)
})

test('a slow answer makes a token older: its lifetime counts from the moment of the request', async () => {
  let answer = (_: string) => {}
  const { clock, dial, state } = keepToken([() => new Promise((resolve) => (answer = resolve))])
  await dial(8 * SECOND)
  answer('token-1')
  await clock.flush()
  expect(state()!.expiresAt! - clock.now()).toBe(10 * MINUTE - 8 * SECOND)
})

test.each<[string, Answer]>([
  ['throws', new Error('503')],
  ['hangs', 'hang'],
  ['asks for time', { retryAfter: 0 }],
  ['answers nothing', async () => undefined as never],
  ['answers an empty token', ''],
  ['answers a number', 42 as never],
  ['answers an object without a token', {} as never],
  ['answers a token with a line break', 'token\r\nX-Evil: 1'],
  ['answers 100 kB', 'x'.repeat(100_000)],
  ['answers a ttl that is no number', { token: 'token', ttl: '600' as never }],
  ['answers a negative ttl', { token: 'token', ttl: -1 }],
  [
    'answers something whose fields throw',
    Object.defineProperty({}, 'token', {
      get: () => {
        throw new Error('no')
      },
    }) as never,
  ],
])('a provider that %s fails once, typed, and the valid token stays in force', async (_, answer) => {
  const { calls, clock, dial, errors, events, status } = keepToken(['token-1', answer, 'token-3'])
  await dial()
  await clock.advance(9 * MINUTE + 10 * SECOND - calls[0]!.at)
  expect(events.filter((event) => event.startsWith('failed'))).toEqual(['failed scheduled'])
  expect(errors[0]).toBeInstanceOf(Error)
  expect(['token-1', 'token-3']).toContain(await dial())
  await clock.advance(MINUTE)
  expect(await dial()).toBe('token-3')
  expect(status()).toBe('valid')
  expect(calls[2]).toMatchObject({ reason: 'scheduled', attempt: 2 })
})

test('a call that hangs counts as failed after 10 seconds, and its signal is aborted when the provider is called again', async () => {
  const { calls, clock, dial, errors } = keepToken(['hang'])
  await dial(9_999)
  expect(errors).toEqual([])
  await clock.advance(1)
  expect(errors).toMatchObject([{ code: 'timeout' }])
  expect(calls[0]!.signal.aborted).toBe(false)
  await clock.advance(35 * SECOND)
  expect(calls.map(({ signal }) => signal.aborted)).toEqual([true, false])
})

test.each(['another token comes', 'it is asked again'])(
  'signOut() from within the abort of a late call, because %s, ends the session: no token and no call after it',
  async (since) => {
    const { keeper, calls, clock, dial, events, status } = keepToken([
      ({ signal }) => {
        signal.addEventListener('abort', () => keeper.signOut())
        return new Promise(() => {})
      },
      'after',
    ])
    await dial(10 * SECOND)
    if (since === 'another token comes') keeper.push('other')
    await clock.advance(10 * MINUTE)
    expect([calls.length, events, status(), await dial()]).toEqual([1, ['failed first'], 'ended', 'closed'])
  },
)

const answering = (token: string, delay: number, clock = createSimulatedClock()) => ({
  clock,
  answer: () => new Promise<string>((resolve) => void clock.setTimeout(() => resolve(token), delay)),
})

test('a token that arrives after the timeout is still used, and no second call is made', async () => {
  const { clock, answer } = answering('late', 12 * SECOND)
  const { calls, dial, keeper, events } = keepToken([answer], { clock })
  const waiting = keeper.token(new AbortController().signal)
  await clock.advance(12 * SECOND)
  expect(await waiting).toBe('late')
  await clock.advance(2 * MINUTE)
  expect(await dial()).toBe('late')
  expect(calls).toHaveLength(1)
  expect(events).toEqual(['failed first', 'fresh late', 'refreshed first'])
})

test('the timeout is an option, so that a slow token service does not count as failed', async () => {
  const { clock, answer } = answering('slow', 25 * SECOND)
  const { dial, events } = keepToken([answer], { clock, tokenRefresh: { timeout: 30 * SECOND } })
  expect(await dial(25 * SECOND)).toBe('slow')
  expect(events).toEqual(['fresh slow', 'refreshed first'])
})

test('an answer after the timeout that says that the login is over still ends the session', async () => {
  const clock = createSimulatedClock()
  const { dial, events } = keepToken(
    [() => new Promise((resolve) => void clock.setTimeout(() => resolve({ ended: 'locked' }), 12 * SECOND))],
    { clock },
  )
  expect(await dial(13 * SECOND)).toBe('closed')
  expect(events).toEqual(['failed first', 'ended locked'])
})

test.each(['', ' ', ' \u00a0 '])('an empty or blank token (%j) is refused as invalid', async (blank) => {
  const { dial, errors } = keepToken([blank])
  expect(await dial()).toBe('waiting')
  expect(errors).toMatchObject([{ code: 'invalid', message: expect.stringContaining('only white space') as string }])
})

test.each(['with a ttl', 'without a ttl'])(
  'a token that the server calls expired on arrival (%s) stays in use, and the next one is requested less and less often',
  async (how) => {
    const fresh = (n: number) => (how === 'without a ttl' ? `token-${n}` : { token: `token-${n}`, ttl: 10 * MINUTE })
    let n = 0
    const { keeper, clock, calls, dial, events } = keepToken([async () => fresh(++n)])
    await dial()
    for (let second = 0; second < 30 * 60; second++) {
      keeper.accepted(`token-${n}`, 0)
      await clock.advance(SECOND)
      expect(await dial()).toBe(`token-${n}`)
    }
    const gaps = calls.slice(1).map(({ at }, i) => at - calls[i]!.at)
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(20 * SECOND)
    expect(Math.max(...gaps.slice(-4))).toBeGreaterThan(2 * MINUTE)
    expect(calls.length).toBeLessThan(20)
    expect(events).toContain('failed requested')
  },
)

test('two calls are at least 20 seconds apart, whatever a server says of the token', async () => {
  let n = 0
  const { keeper, clock, calls, dial } = keepToken([async () => ({ token: `token-${++n}`, ttl: 10 * MINUTE })])
  await dial()
  for (let step = 0; step < 4 * 60 * 10; step++) {
    keeper.accepted(`token-${n}`, (step % 7) * 5_000)
    if (step % 3 === 0) keeper.request()
    await clock.advance(250)
  }
  expect(calls.length).toBeGreaterThan(2)
  for (const [i, { at }] of calls.slice(1).entries()) expect(at - calls[i]!.at).toBeGreaterThanOrEqual(20 * SECOND)
})

test('a closed socket keeps its token without a timer, and the next dial fetches a new one only if it has expired meanwhile', async () => {
  const { keeper, clock, calls, dial, status } = keepToken()
  await dial()
  for (let turn = 0; turn < 20; turn++) {
    keeper.rest()
    expect([status(), clock.pending]).toEqual(['none', 0])
    await clock.advance(1.5 * SECOND)
    expect(await dial()).toBe('token-1')
    expect(status()).toBe('valid')
    await clock.advance(1.5 * SECOND)
  }
  expect(calls).toHaveLength(1)
  keeper.rest()
  await clock.advance(MINUTE * 30)
  expect(calls).toHaveLength(1)
  expect(await dial()).toBe('token-2')
})

test('a socket that is closed and reopened every second makes at most six token calls a minute, although each is aborted', async () => {
  const { keeper, clock, calls } = keepToken(['hang'])
  for (let second = 0; second < 60; second++) {
    keeper.token(new AbortController().signal).catch(() => undefined)
    await clock.advance(SECOND / 2)
    keeper.rest()
    await clock.advance(SECOND / 2)
  }
  expect(calls.length).toBeLessThanOrEqual(6)
  expect(calls.every(({ signal }) => signal.aborted)).toBe(true)
})

test('a failed call is retried after 5 seconds and a random part that grows to 5 minutes', async () => {
  const { calls, clock, dial } = keepToken([new Error('503')])
  await dial()
  await clock.advance(60 * MINUTE)
  const waits = calls.slice(1).map((call, i) => call.at - calls[i]!.at)
  waits.forEach((wait, n) => {
    expect(wait).toBeGreaterThanOrEqual(5 * SECOND)
    expect(wait).toBeLessThanOrEqual(5 * SECOND + Math.min(300, 30 * 2 ** n) * SECOND)
  })
  expect(Math.max(...waits)).toBeGreaterThan(60 * SECOND)
  expect(calls.map((call) => call.attempt)).toEqual(calls.map((_, i) => i + 1))
})

test('the next call waits for retryAfter and a little more, never less', async () => {
  const { calls, clock, dial } = keepToken([{ retryAfter: 2 * MINUTE }, 'token-2'])
  await dial(2 * MINUTE - 1)
  expect(calls).toHaveLength(1)
  expect(await dial(31 * SECOND)).toBe('token-2')
  expect(calls[1]!.at).toBeGreaterThan(2 * MINUTE)
  await clock.flush()
})

test('a token that the provider returns again keeps its first expiry, and the provider is called, at least 20 s apart, until it returns a new one', async () => {
  const { calls, clock, dial, events, errors, status } = keepToken([
    'cached',
    'cached',
    'cached',
    'cached',
    'cached',
    'cached',
    'cached',
    'fresh',
  ])
  await dial()
  const dead = 590 * SECOND
  await clock.advance(dead - 1)
  expect(await dial()).toBe('cached')
  expect(events).toEqual(['fresh cached', 'refreshed first'])
  await clock.advance(1)
  expect(status()).not.toBe('valid')
  for (let i = 1; i < calls.length; i++) expect(calls[i]!.at - calls[i - 1]!.at).toBeGreaterThanOrEqual(20 * SECOND)
  expect(await dial(20 * MINUTE)).toBe('fresh')
  expect(errors.every((error) => error instanceof LiveSocketError && error.code === 'invalid')).toBe(true)
})

test('calls that a server requests are at least 20 seconds apart, however often it asks', async () => {
  const { keeper, calls, clock, dial } = keepToken()
  await dial()
  for (let i = 0; i < 600; i++) {
    keeper.request()
    await clock.advance(200)
  }
  expect(calls.length).toBeGreaterThan(3)
  expect(calls[1]!.reason).toBe('requested')
  for (let i = 1; i < calls.length; i++) expect(calls[i]!.at - calls[i - 1]!.at).toBeGreaterThanOrEqual(20 * SECOND)
})

test('a refused token is replaced at once; a repeated refusal of that old token changes nothing', async () => {
  const { keeper, calls, dial, clock } = keepToken()
  await dial()
  await clock.advance(SECOND)
  keeper.rejected('token-1')
  keeper.rejected('token-1')
  expect(await dial()).toBe('token-2')
  expect(calls[1]).toMatchObject({ reason: 'rejected', at: SECOND })
  keeper.rejected('token-1')
  keeper.accepted('token-2')
  await clock.advance(MINUTE)
  expect(calls).toHaveLength(2)
})

test('two fresh tokens refused in a row end the session', async () => {
  const { keeper, dial, events, clock, calls, status } = keepToken()
  await dial()
  keeper.rejected('token-1')
  await clock.advance(SECOND)
  keeper.rejected('token-2')
  expect(events.at(-1)).toBe('ended token-refused')
  expect(status()).toBe('ended')
  expect(await dial()).toBe('closed')
  await clock.advance(60 * MINUTE)
  expect(calls).toHaveLength(2)
})

test('a refused token that the provider returns again is tried once more, with its first expiry, and then ends the session', async () => {
  const { keeper, dial, events, clock, state } = keepToken(['cached'])
  await dial()
  const { expiresAt } = state()!
  await clock.advance(MINUTE)
  keeper.rejected('cached')
  expect(await dial()).toBe('cached')
  expect(state()!.expiresAt).toBe(expiresAt)
  keeper.rejected('cached')
  expect(events.at(-1)).toBe('ended token-refused')
})

test('refusals of tokens that each served for a minute do not add up: the session goes on', async () => {
  const { keeper, dial, events, clock } = keepToken()
  for (let i = 1; i <= 4; i++) {
    expect(await dial()).toBe(`token-${i}`)
    keeper.accepted(`token-${i}`)
    await clock.advance(MINUTE)
    keeper.rejected(`token-${i}`)
  }
  expect(events.filter((event) => event.startsWith('ended'))).toEqual([])
})

test.each<[string, Answer[], string]>([
  ['the provider says so', ['token-1', { ended: 'logged out' }], 'ended logged out'],
  [
    'the login session is known to last no longer',
    [{ token: 'token-1', sessionTtl: 3 * MINUTE }],
    'ended session-expired',
  ],
  ["the next token is somebody else's", [jwt('ann', 600), jwt('bob', 600)], 'ended subject-changed'],
])('the session ends when %s, and nothing is fetched after it', async (_, script, ending) => {
  const { clock, dial, events, calls, status } = keepToken(script)
  await dial()
  await clock.advance(9 * MINUTE)
  expect(events.at(-1)).toBe(ending)
  expect(status()).toBe('ended')
  const made = calls.length
  await clock.advance(60 * MINUTE)
  expect(calls).toHaveLength(made)
  expect(clock.pending).toBe(0)
})

test('connecting again from within the abort that close() causes makes a new call, and gets a token', async () => {
  let again: Promise<string | undefined> | undefined
  const { keeper, clock, calls } = keepToken([
    ({ signal }) => {
      signal.addEventListener('abort', () => {
        keeper.open()
        again = keeper.token(new AbortController().signal)
      })
      return new Promise(() => {})
    },
    'token-2',
  ])
  keeper.open()
  void keeper.token(new AbortController().signal)
  await clock.advance(SECOND)
  keeper.rest()
  await clock.advance(SECOND)
  expect(calls).toHaveLength(2)
  expect(await again).toBe('token-2')
  keeper.rest()
})

test('an answer that comes after signOut() is ignored: the session stays ended', async () => {
  let answer = (_: string) => {}
  const { keeper, clock, dial, events, calls, status } = keepToken([() => new Promise((resolve) => (answer = resolve))])
  const dialled = dial(SECOND)
  await dialled
  const waiting = keeper.token(new AbortController().signal)
  keeper.signOut()
  await expect(waiting).rejects.toMatchObject({ code: 'closed' })
  expect(calls[0]!.signal.aborted).toBe(true)
  answer('late')
  await clock.advance(60 * MINUTE)
  expect(events).toEqual([])
  expect(status()).toBe('ended')
  expect(await dial()).toBe('closed')
  expect(clock.pending).toBe(0)
})

test('a dial that is given up stops waiting, and the call it began still serves the next one', async () => {
  let answer = (_: string) => {}
  const { keeper, clock, dial, calls } = keepToken([() => new Promise((resolve) => (answer = resolve))])
  const dialling = new AbortController()
  const token = keeper.token(dialling.signal)
  await clock.advance(SECOND)
  dialling.abort()
  await expect(token).rejects.toBe(dialling.signal.reason)
  answer('token-1')
  expect(await dial()).toBe('token-1')
  expect(calls).toHaveLength(1)
})

test('a pushed token takes the place of the next call', async () => {
  const { keeper, clock, dial, calls, events } = keepToken()
  await dial()
  for (let i = 0; i < 10; i++) {
    await clock.advance(4 * MINUTE)
    keeper.push(`pushed-${i}`, 10 * MINUTE)
    expect(await dial()).toBe(`pushed-${i}`)
  }
  expect(calls).toHaveLength(1)
  keeper.push('bad\n')
  expect(await dial()).toBe('pushed-9')
  expect(events.at(-1)).toBe('failed requested')
})

test('a token that is pushed during a call aborts that call, and its late answer is ignored', async () => {
  let answer = (_: string) => {}
  const { keeper, clock, dial, calls, events } = keepToken([
    'token-1',
    () => new Promise((resolve) => (answer = resolve)),
  ])
  await dial()
  await clock.advance(MINUTE)
  keeper.request()
  await clock.flush()
  keeper.push('pushed', 10 * MINUTE)
  expect(calls[1]!.signal.aborted).toBe(true)
  answer('late')
  await clock.flush()
  expect(await dial()).toBe('pushed')
  expect(events.filter((event) => event.startsWith('fresh'))).toEqual(['fresh token-1', 'fresh pushed'])
})

test('a token that the server cuts short is refreshed in time, and saying so again changes nothing', async () => {
  const { keeper, clock, dial, calls, state } = keepToken()
  await dial()
  const planned = state()!.refreshAt!
  await clock.advance(2 * MINUTE)
  keeper.accepted('token-1', 8 * MINUTE + 300)
  expect(state()!.refreshAt).toBe(planned)
  keeper.accepted('token-1', MINUTE)
  const cut = state()!.refreshAt!
  keeper.accepted('token-1', MINUTE)
  expect(state()!.refreshAt).toBe(cut)
  await clock.advance(MINUTE - 10 * SECOND)
  expect(calls).toHaveLength(2)
})

test('the lifetime that a server states for an opaque token is used', async () => {
  const { keeper, dial, clock, state } = keepToken()
  await dial()
  keeper.accepted('token-1', 60 * MINUTE)
  expect(state()!.expiresAt! - clock.now()).toBe(60 * MINUTE)
})

test('the token is in no event, state or error', async () => {
  const canary = 'canary-5e1f'
  const { keeper, clock, dial, told, errors } = keepToken([
    canary,
    new Error(`GET /token with ${canary} failed`),
    `${canary}\n`,
    { token: canary, ttl: -1 },
    { retryAfter: 1 },
    'next',
  ])
  await dial()
  keeper.push(`${canary}\r`)
  await clock.advance(60 * MINUTE)
  keeper.rejected('next')
  keeper.signOut()
  const everything =
    JSON.stringify(told()) +
    errors.map((error) => `${error} ${(error as Error).stack} ${String((error as Error).cause)}`).join() +
    String(keeper) +
    JSON.stringify(keeper)
  expect(errors.length).toBeGreaterThan(3)
  expect(everything).not.toContain(canary)
})
