import { expect, test } from 'vitest'
import { createAdmission } from '../../../src/server/admission/admission.js'
import { createAuthenticator } from '../../../src/server/identity/authenticator.js'
import { createFreshToken } from '../../../src/server/identity/fresh-token.js'
import { createSimulatedClock } from '../kit.js'

test('the fresh tokens of hundreds of live legs are checked as fast as the identity service can, once it is back', async () => {
  const clock = createSimulatedClock()
  let away = true
  /** The service answers ten a second, in the order of the calls, and ignores the signal. */
  const asked: (() => void)[] = []
  const serve = () => {
    asked.shift()?.()
    clock.setTimeout(serve, 100)
  }
  const authenticator = createAuthenticator<object>({
    clock,
    patience: 10_000,
    room: () => admission.wake(),
    onError: () => undefined,
    authenticate: () =>
      away
        ? Promise.reject(new Error('away'))
        : new Promise<object>((resolve) => void asked.push(() => resolve({ subject: 'ann' }))),
  })
  const admission = createAdmission({
    clock,
    most: 1_000,
    queueTimeout: 60_000,
    patience: 10_000,
    abandoned: () => authenticator.abandoned,
  })
  let checked = 0
  const tokens = Array.from({ length: 400 }, (_, at) =>
    createFreshToken<object>(
      clock,
      (turn) => admission.enter({ ...turn, address: `${at}`, patience: Infinity, waits: () => undefined }),
      (token) => authenticator.identify({ token, session: `${at}`, request: {} as never }),
      () => void checked++,
    ),
  )
  for (const [at, fresh] of tokens.entries()) clock.setTimeout(() => fresh.check('fresh'), at * 50)
  await clock.advance(20_000)
  away = false
  serve()
  await clock.advance(30_000)
  expect(checked).toBeGreaterThan(200)
  await clock.advance(40_000)
  expect(checked).toBe(400)
  for (const fresh of tokens) fresh.stop()
  admission.close()
})
