import { expect, test } from 'vitest'
import { readTokenNews, type SharedToken } from '../../src/policy/token-news.js'

const token: SharedToken = {
  kind: 'token',
  session: 0,
  generation: 1,
  token: 't',
  reason: 'first',
  age: 0,
  at: 1,
  schedule: { lifetime: 600, due: 400, earliest: 300, dead: 590 },
}

test.each([
  { kind: 'ask', session: 0 },
  { kind: 'wait', session: 3, failures: 2, delay: 100 },
  { kind: 'ended', session: 5, reason: '' },
  token,
  { ...token, sessionLeft: 5 },
])('a message of the kind $kind from another tab is read', (news) =>
  expect(readTokenNews(structuredClone(news))).toEqual(news),
)

test('a message with a field that is missing, of another type, negative, fractional or too large is ignored', () => {
  const whole = [
    { kind: 'wait', session: 3, failures: 2, delay: 100 },
    { kind: 'ended', session: 5, reason: 'x' },
    { ...token, sessionLeft: 5 },
  ]
  for (const news of whole) {
    for (const field of Object.keys(news)) {
      for (const wrong of [undefined, null, true, [], {}, NaN, -1, Infinity, Symbol.iterator, '\n']) {
        if (field === 'sessionLeft' && wrong === undefined) continue
        if (field === 'reason' && news.kind === 'ended' && typeof wrong === 'string') continue
        expect(readTokenNews({ ...news, [field]: wrong }), `${news.kind}.${field} = ${String(wrong)}`).toBeNull()
      }
    }
  }
  expect(readTokenNews({ ...token, generation: 1.5 })).toBeNull()
  expect(readTokenNews({ ...token, session: 2 ** 60 })).toBeNull()
  expect(readTokenNews({ ...token, schedule: { ...token.schedule, due: 595 } })).toBeNull()
  for (const message of [undefined, null, 1, 'ask', [], {}, { kind: 'toString', session: 0 }])
    expect(readTokenNews(message)).toBeNull()
})
