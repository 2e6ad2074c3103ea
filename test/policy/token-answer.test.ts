import { expect, test } from 'vitest'
import { LONGEST_TOKEN, readTokenAnswer, tokenProblem } from '../../src/policy/token-answer.js'
import { tokenSubject } from '../../src/policy/token-claims.js'
import { jwt } from '../kit/kept-token.js'

test.each([
  ['a token', 'abc', { token: 'abc' }],
  ['a token in an object', { token: 'abc' }, { token: 'abc' }],
  ['a token with its durations', { token: 'abc', ttl: 5, sessionTtl: 0 }, { token: 'abc', ttl: 5, sessionTtl: 0 }],
  [
    'the end, which goes before all else',
    { ended: 'why', token: 'abc', retryAfter: 1 },
    { ended: 'why', token: 'abc' },
  ],
  ['the longest token', 'x'.repeat(LONGEST_TOKEN), { token: 'x'.repeat(LONGEST_TOKEN) }],
])('a provider may answer %s', (_, answer, read) => {
  expect(readTokenAnswer(answer)).toEqual(read)
})

test('a provider may answer with a retryAfter', () => {
  expect(thrownFor({ retryAfter: 0 })).toMatchObject({ code: 'refused', retryAfter: 0 })
})

function thrownFor(answer: unknown): Error {
  try {
    readTokenAnswer(answer)
  } catch (error) {
    return error as Error
  }
  throw new Error('it was taken for an answer')
}

test.each(
  [
    undefined,
    null,
    0,
    NaN,
    true,
    Symbol('x'),
    () => 'abc',
    [],
    {},
    '',
    'null',
    'undefined',
    'a\nb',
    'a\u0000b',
    'x'.repeat(LONGEST_TOKEN + 1),
    Promise.resolve('abc'),
    { token: null },
    { token: '' },
    { token: 1 },
    { token: ['a'] },
    { token: { toString: () => 'abc' } },
    { token: 'abc', ttl: 0 },
    { token: 'abc', ttl: -1 },
    { token: 'abc', ttl: NaN },
    { token: 'abc', ttl: Infinity },
    { token: 'abc', ttl: '600' },
    { token: 'abc', ttl: null },
    { token: 'abc', sessionTtl: -1 },
    { token: 'abc', sessionTtl: 'x' },
    { retryAfter: -1 },
    { retryAfter: '5' },
    { retryAfter: Infinity },
    { ended: true },
    { ended: null },
    JSON.parse('{"__proto__":{"token":"abc"}}'),
  ].map((answer) => [answer]),
)('answer %# is invalid, and the error says why without quoting it', (answer: unknown) => {
  const error = thrownFor(answer)
  expect(error).toMatchObject({ code: 'invalid' })
  expect(error.message).toMatch(/^getToken resolved with .*must resolve with/)
  expect(error.message).not.toContain('abc')
  expect(error.message.length).toBeLessThan(250)
})

test('the subject of a token is read from a JWT and from nothing else', () => {
  expect(tokenSubject(jwt('ann@example.org', 600))).toBe('ann@example.org')
  const part = (text: string) => Buffer.from(text).toString('base64url')
  for (const token of [
    '',
    'opaque',
    'a.b.c',
    `a.${part('null')}.c`,
    `a.${part('[]')}.c`,
    `a.${part('{"sub":7}')}.c`,
    `a.${part('{"sub"')}.c`,
    'a.\u{1f600}.c',
  ]) {
    expect(tokenSubject(token)).toBeUndefined()
  }
})

test('a token may be anything printable', () => {
  expect(tokenProblem('Ab1-._~+/= üñ')).toBeNull()
})
