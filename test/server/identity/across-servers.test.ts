import { expect, test } from 'vitest'
import { memoryLog } from '../../../src/server/index.js'
import { liveServer } from '../kit.js'

const authenticate = ({ token }: { token?: string | undefined }) => ({ subject: token ?? 'nobody', tokenTtl: 600_000 })

async function two() {
  const log = memoryLog()
  const [a, b] = [await liveServer({ log, authenticate }), await liveServer({ log, authenticate })]
  return {
    a,
    here: await a.join({ token: 'ann' }),
    there: await b.join({ session: 'hers', token: 'ann' }),
    bob: await b.join({ token: 'bob' }),
  }
}

test.each([
  ['a subject', { subject: 'ann' }, 1, 2],
  ['a session', { session: 'hers' }, 0, 1],
])('end of %s reaches its legs on every server of the log, and nobody else', async (_, match, here, all) => {
  const { a, ...legs } = await two()
  expect(await a.end(match, 'Out.')).toBe(here)
  expect(await legs.there.next('error')).toMatchObject({ code: 'session-ended', message: 'Out.' })
  await legs.bob.settle()
  expect([legs.here, legs.there, legs.bob].filter((leg) => leg.of('error').length > 0)).toHaveLength(all)
})

test('renewTokens and offerTokens of a subject reach its legs on every server; the token is minted once', async () => {
  const { a, here, there, bob } = await two()
  await a.renewTokens({ subject: 'ann' }, { within: 5_000 })
  for (const leg of [here, there]) expect(await leg.next('authed')).toMatchObject({ tokenTtl: 5_000 })
  let minted = 0
  await a.offerTokens({ subject: 'ann' }, () => ({ token: `t${++minted}` }))
  for (const leg of [here, there]) expect(await leg.next('token')).toMatchObject({ token: 't1' })
  await bob.settle()
  expect([...bob.of('token'), ...bob.of('authed')]).toEqual([])
})

test.each([[null], ['ann'], [{}], [{ subject: 7 }], [{ subject: 'a', session: 'b' }]])(
  'a match of %j is refused as invalid, and reaches nobody',
  async (match) => {
    const { a, here } = await two()
    const wrong = match as never
    for (const call of [a.end(wrong), a.renewTokens(wrong), a.offerTokens(wrong, () => ({ token: 't' }))])
      await expect(call).rejects.toMatchObject({ code: 'invalid' })
    await here.settle()
    expect([...here.of('token'), ...here.of('authed'), ...here.of('error')]).toEqual([])
  },
)

test.each([
  ['no', async () => false],
  ['a failure', () => Promise.reject(new Error('away'))],
])('an async match (here with %s) is refused as invalid, and reaches nobody', async (_, later) => {
  const { a, here } = await two()
  const match = later as never
  for (const call of [a.end(match), a.renewTokens(match), a.offerTokens(match, () => ({ token: 't' }))])
    await expect(call).rejects.toMatchObject({ code: 'invalid', message: expect.stringContaining('at once') })
  await here.settle()
  expect([...here.of('token'), ...here.of('authed'), ...here.of('error')]).toEqual([])
})
