import { expect, test } from 'vitest'
import { redactedText, redactedError } from '../../src/base/token-redaction.js'

const TOKEN = 'a-token-of-thirty-two-characters'

test('an error that holds no token is passed on as it is', () => {
  for (const thrown of [new Error('503', { cause: { status: 503 } }), undefined, null, 7, 'no', Object.create(null)]) {
    expect(redactedError(thrown, [TOKEN], 'getToken')).toBe(thrown)
  }
})

test('an error that refers to itself is searched once, and none of its getters is run', () => {
  const thrown = Object.assign(new Error('503'), {
    request: {
      headers: {} as object,
      get later(): never {
        throw new Error('run')
      },
    },
  })
  thrown.request.headers = thrown
  expect(redactedError(thrown, [TOKEN], 'getToken')).toBe(thrown)
})

test('an error that holds a token is replaced by one with its text, without the token', () => {
  const thrown = Object.assign(new TypeError('status 500'), {
    config: { headers: new Map([['authorization', `Bearer ${TOKEN}`]]) },
  })
  expect(redactedError(thrown, [TOKEN], 'getToken')).toMatchObject({
    code: 'refused',
    message: expect.stringMatching(/getToken threw .*it is redacted \(TypeError: status 500\)$/),
  })
  expect(String(redactedError(new Error(`as ${TOKEN}`), [TOKEN], 'getToken'))).not.toContain(TOKEN)
})

test('an error that is too deep or too wide to search counts as one that holds a token; a smaller one is searched to its end', () => {
  const nested = (depth: number, innermost: object) => {
    let thrown = innermost
    while (depth-- > 0) thrown = { thrown }
    return thrown
  }
  const wide = Array.from({ length: 20_000 }, (_, at) => ({ at }))
  for (const thrown of [nested(20_000, {}), { wide }, nested(100, { TOKEN })])
    expect(redactedError(thrown, [TOKEN], 'getToken')).toMatchObject({ code: 'refused' })
  const thrown = nested(100, {})
  expect(redactedError(thrown, [TOKEN], 'getToken')).toBe(thrown)
})

test('a proxy that throws when it is looked at counts as one that holds a token', () => {
  const thrown = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no')
      },
    },
  )
  expect(redactedError(thrown, [TOKEN], 'getToken')).toMatchObject({ code: 'refused' })
})

test('in a text a token is replaced, and a text too short to be a token is not', () => {
  expect(redactedText(`bad ${TOKEN}, ${TOKEN}!`, [TOKEN])).toBe('bad [token], [token]!')
  expect(redactedText('a bad token', ['a'])).toBe('a bad token')
})
