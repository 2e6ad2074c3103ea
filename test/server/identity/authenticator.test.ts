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

test('a call of authenticate that nobody waits for is aborted, and counts as under way until it ends', async () => {
  const { identify, abandoned, calls, errors } = service()
  identify('gone').abandon()
  expect(calls[0]!.signal.aborted).toBe(true)
  expect(abandoned()).toBe(1)
  calls[0]!.fail(calls[0]!.signal.reason)
  await Promise.resolve()
    .then(() => undefined)
    .then(() => undefined)
  expect(abandoned()).toBe(0)
  expect(errors).toEqual([])
})

test('a call of authenticate without an answer in time ends without a verdict, and the operator gets a timeout', async () => {
  const { identify, clock, errors } = service()
  const { answer } = identify('answer')
  await clock.advance(10_000)
  expect(await answer).toEqual({ outcome: 'untold' })
  expect(errors).toMatchObject([{ code: 'timeout', message: expect.stringContaining('did not answer') }])
  expect(clock.pending).toBe(0)
})

test('a call of authenticate that ignores its signal does not count forever: it stops counting once the time of a hello is over again', async () => {
  const { identify, abandoned, clock, errors } = service()
  identify('deaf').abandon()
  await clock.advance(9_999)
  expect(abandoned()).toBe(1)
  await clock.advance(1)
  expect(abandoned()).toBe(0)
  expect(errors).toMatchObject([{ code: 'timeout', message: expect.stringContaining('signal') }])
})

test('an immediate answer of authenticate sets no timer', async () => {
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
