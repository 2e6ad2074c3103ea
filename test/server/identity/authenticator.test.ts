import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { createAuthenticator, type AuthenticatorDeps } from '../../../src/server/identity/authenticator.js'
import { createSimulatedClock } from '../../../src/testing/simulated-clock.js'

const request = {} as IncomingMessage

/** An identity service that answers when the test says so. */
function service(deps: Partial<AuthenticatorDeps<object>> = {}) {
  const clock = createSimulatedClock()
  const calls: {
    session: string
    signal: AbortSignal
    answer(user: object | null): void
    fail(error: unknown): void
  }[] = []
  const errors: unknown[] = []
  const authenticator = createAuthenticator<object>({
    authenticate: ({ session, signal }) =>
      new Promise((answer, fail) => void calls.push({ session, signal, answer, fail })),
    clock,
    patience: 10_000,
    maxCalls: 2,
    onError: (error) => errors.push(error),
    ...deps,
  })
  return {
    clock,
    calls,
    errors,
    identify: (session: string) => authenticator.identify({ session, request }),
    abandoned: () => authenticator.abandoned,
    asked: () => calls.map(({ session }) => session),
  }
}

test('so many calls are under way and no more: the others wait, and come in the order in which they were asked', async () => {
  const { identify, asked, calls } = service()
  const answers = ['a', 'b', 'c', 'd'].map((session) => identify(session).answer)
  expect(asked()).toEqual(['a', 'b'])
  calls[1]!.answer({ subject: 'bob' })
  expect(await answers[1]).toMatchObject({ outcome: 'known', subject: 'bob' })
  expect(asked()).toEqual(['a', 'b', 'c'])
  calls[0]!.fail(new Error('away'))
  expect(await answers[0]).toEqual({ outcome: 'untold' })
  expect(asked()).toEqual(['a', 'b', 'c', 'd'])
})

test('a call that nobody waits for any more is told so and still counts; one that waits for its turn is never begun', async () => {
  const { identify, asked, calls, errors } = service({ maxCalls: 1 })
  const gone = identify('gone')
  const never = identify('never')
  gone.abandon()
  never.abandon()
  expect(calls[0]!.signal.aborted).toBe(true)
  identify('next')
  expect(asked()).toEqual(['gone'])
  calls[0]!.fail(calls[0]!.signal.reason)
  await Promise.resolve()
    .then(() => undefined)
    .then(() => undefined)
  expect(asked()).toEqual(['gone', 'next'])
  expect(errors).toEqual([])
})

test('whoever waited in vain, for the answer or for the turn, is told in time that it cannot be told, and the operator which of them it was', async () => {
  const { identify, clock, errors } = service({ maxCalls: 1 })
  const answers = [identify('answer').answer, identify('turn').answer]
  await clock.advance(10_000)
  expect(await Promise.all(answers)).toEqual([{ outcome: 'untold' }, { outcome: 'untold' }])
  expect(errors).toMatchObject([
    { code: 'timeout', message: expect.stringContaining('did not answer') },
    { code: 'timeout', message: expect.stringContaining('limits.maxAuthenticating') },
  ])
  expect(clock.pending).toBe(0)
})

test('calls that never end, whatever they are told, do not shut the server for ever: as long again as a hello has, and they count no more', async () => {
  const { identify, asked, abandoned, clock, errors } = service({ maxCalls: 1 })
  identify('deaf').abandon()
  await clock.advance(9_999)
  identify('waits')
  expect(asked()).toEqual(['deaf'])
  expect(abandoned()).toBe(1)
  await clock.advance(1)
  expect(abandoned()).toBe(0)
  identify('comes')
  expect(asked()).toEqual(['deaf', 'waits'])
  expect(errors).toMatchObject([{ code: 'timeout', message: expect.stringContaining('signal') }])
})

test('an answer at once waits for nothing and sets no timer', async () => {
  const { identify, clock } = service({ authenticate: () => ({ subject: 'ann', tokenTtl: -5.5 }) })
  expect(await identify('s').answer).toEqual({
    outcome: 'known',
    askedAt: 0,
    user: { subject: 'ann', tokenTtl: -5.5 },
    subject: 'ann',
    tokenTtl: 0,
  })
  expect(clock.pending).toBe(0)
})
