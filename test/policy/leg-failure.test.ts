import { describe, expect, it } from 'vitest'
import { closeVerdict, type Close } from '../../src/policy/close-verdict.js'
import { legFailure } from '../../src/policy/leg-failure.js'

/** The failure of a leg of `wss://a.test/live` that has ended like this. */
function failureOf(leg: Partial<Close> = {}) {
  const close: Close = {
    code: 1006,
    opened: true,
    welcomed: false,
    onlyMe: false,
    leaving: false,
    asked: false,
    ...leg,
  }
  return legFailure({ ...close, url: 'wss://a.test/live' }, closeVerdict(close), 'http://localhost:5173')
}

describe('why no leg serves', () => {
  const LOOK =
    /server up.*path.*allowedOrigins \(http:\/\/localhost:5173\).*npx livesocket doctor wss:\/\/a\.test\/live$/i
  const TOKEN = /^authenticate refused the token.*audience.*getToken/

  it.each<[what: string, leg: Partial<Close>, code: string, message: string, hint: RegExp | null]>([
    ['a failed dial in a browser, which gives no reason', { opened: false }, 'unreachable', 'closed with 1006', LOOK],
    [
      'a failed dial in Node, which gives the reason',
      { opened: false, reason: 'Unexpected server response: 403' },
      'unreachable',
      'Unexpected server response: 403',
      LOOK,
    ],
    [
      'a page without a WebSocket class',
      { opened: false, code: 0, reason: 'none here' },
      'unreachable',
      'none here',
      null,
    ],
    [
      'a refused token',
      { code: 3000, error: { code: 'unauthorized', message: 'Expired.' } },
      'unauthorized',
      'Expired.',
      TOKEN,
    ],
    [
      'a refused token, by the close code alone',
      { code: 1008, welcomed: true },
      'unauthorized',
      'closed with 1008',
      TOKEN,
    ],
    [
      'a busy server',
      { code: 1013, error: { code: 'busy', message: 'Too many', retryAfter: 4_000 } },
      'busy',
      'Too many (retryAfter 4000 ms)',
      null,
    ],
    [
      'a forbidden client',
      { code: 3003, error: { code: 'forbidden', message: 'Go away' } },
      'forbidden',
      'Go away',
      null,
    ],
    [
      'a server that drains',
      { code: 1012, error: { code: 'draining', message: 'later' } },
      'draining',
      'later',
      /^That server is shutting down.*balancer.*readiness/,
    ],
    ['a connection that had served', { welcomed: true }, 'lost', 'closed with 1006', null],
    ['a server that closed with 1000', { welcomed: true, code: 1000, reason: 'bye' }, 'server', 'bye', null],
    ['a protocol error, by the close code', { welcomed: true, code: 1007 }, 'protocol', 'closed with 1007', null],
  ])('%s', (_what, leg, code, message, hint) => {
    const failure = failureOf(leg)
    expect(failure.code).toBe(code)
    expect(failure.message).toBe(`wss://a.test/live: ${message}`)
    expect(failure.hint).toEqual(hint === null ? undefined : expect.stringMatching(hint))
  })

  it('the hint for a connection that opens and is never welcomed does not blame path or origin', () => {
    const { code, message, hint } = failureOf({ reason: 'no welcome in time' })
    expect([code, message]).toEqual(['unreachable', 'wss://a.test/live: no welcome in time'])
    expect(hint).toMatch(/^The socket opened, but the server did not say that it is ready\..*leave out ping and pong/)
    expect(hint).not.toContain('allowedOrigins')
  })
})
