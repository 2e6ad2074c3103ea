import { describe, expect, test } from 'vitest'
import {
  closeVerdict,
  isAboutLeg,
  isFinal,
  type Close,
  type LegError,
  type Verdict,
} from '../../src/policy/close-verdict.js'

const live: Close = { code: 1006, opened: true, welcomed: true, onlyMe: false, leaving: false, asked: false }

const spread: Verdict = { do: 'retry', backoff: 'spread' }
const early: Verdict = { do: 'retry', backoff: 'early' }
const bad: Verdict = { do: 'retry', backoff: 'spread', bad: true }
const renew: Verdict = { do: 'renew-token' }

const error = (code: string, more: Partial<LegError> = {}): LegError => ({ code, message: 'in words', ...more })

describe('an error frame decides first', () => {
  const stops = (by: 'session-ended' | 'forbidden' | 'superseded', code: number): Verdict => ({
    do: 'stop',
    by,
    code,
    reason: 'in words',
  })
  const rows: readonly { row: string; frame: LegError; code: number; verdict: Verdict; onlyMe?: Verdict }[] = [
    {
      row: '`unauthorized` | 3000 | fetch a new token at once and try once more',
      frame: error('unauthorized'),
      code: 3000,
      verdict: renew,
    },
    {
      row: '`session-ended` | 3000 | stop',
      frame: error('session-ended'),
      code: 3000,
      verdict: stops('session-ended', 3000),
    },
    { row: '`forbidden` | 3003 | stop', frame: error('forbidden'), code: 3003, verdict: stops('forbidden', 3003) },
    {
      row: '`timeout` | 3008 | back off, reconnect',
      frame: error('timeout'),
      code: 3008,
      verdict: spread,
      onlyMe: early,
    },
    { row: '`draining` | 1012 | try again, spread', frame: error('draining'), code: 1012, verdict: spread },
    {
      row: '`busy` | 1013 | wait `retryAfter` or longer, spread',
      frame: error('busy', { retryAfter: 7_000 }),
      code: 1013,
      verdict: { do: 'retry', backoff: 'busy', retryAfter: 7_000 },
    },
    {
      row: '`busy` | 1013, without `retryAfter`',
      frame: error('busy'),
      code: 1013,
      verdict: { do: 'retry', backoff: 'busy' },
    },
    { row: '`superseded` | 4001 | stop', frame: error('superseded'), code: 4001, verdict: stops('superseded', 4001) },
    { row: '`too-slow` | 4002 | resume from the position', frame: error('too-slow'), code: 4002, verdict: early },
    {
      row: '`protocol` | 1002 | report, back off, give up after a few in a row',
      frame: error('protocol'),
      code: 1002,
      verdict: bad,
    },
  ]

  test.each(rows)('$row', ({ frame, code, verdict }) => {
    expect(isAboutLeg(frame)).toBe(true)
    expect(closeVerdict({ ...live, code, error: frame })).toEqual(verdict)
  })

  test.each(rows)('$row: even if the network cut the close frame off', ({ frame, verdict, onlyMe }) => {
    expect(closeVerdict({ ...live, code: 1006, onlyMe: true, error: frame })).toEqual(
      verdict.do === 'stop' ? { ...verdict, code: 1006 } : (onlyMe ?? verdict),
    )
  })

  test.each(rows)('$row: the server closes the leg after it', ({ frame }) => expect(isFinal(frame)).toBe(true))

  test.each(['too-large', 'invalid', 'future', '1000', 'constructor'])(
    '`%s` announces no close: the leg goes on if none comes',
    (code) => {
      expect(isFinal(error(code))).toBe(false)
      expect(isFinal(error(code, { id: 'p-1' }))).toBe(false)
    },
  )

  test.each([
    ['`forbidden` with `topic` | – | that topic only is refused', error('forbidden', { topic: 'a' })],
    ['any other code with `topic`', error('busy', { topic: 'a' })],
    ['any other code with `id`', error('forbidden', { id: 'q-1' })],
  ])('%s: says nothing about the leg, whose close code decides', (_, frame) => {
    expect(isAboutLeg(frame)).toBe(false)
    expect(closeVerdict({ ...live, code: 1012, error: frame })).toEqual(spread)
    expect(closeVerdict({ ...live, code: 1009, error: frame })).toEqual(bad)
  })

  test('`too-large` with `id` | 1009 | only that publish fails, and the next leg is dialled early', () => {
    const frame = error('too-large', { id: 'p-1' })
    expect(isAboutLeg(frame)).toBe(false)
    expect(closeVerdict({ ...live, code: 1009, error: frame })).toEqual(early)
    expect(closeVerdict({ ...live, code: 1012, error: frame })).toEqual(spread)
    expect(closeVerdict({ ...live, code: 1009, error: error('too-large') })).toEqual(bad)
  })

  test.each(['session-ended', 'superseded'])('`%s` stops the session even with a topic and an id', (code) => {
    const frame = error(code, { topic: 'a', id: 'p-1' })
    expect(isAboutLeg(frame)).toBe(true)
    expect(closeVerdict({ ...live, error: frame })).toMatchObject({ do: 'stop', by: code })
  })

  test('after an unknown error code the close code decides', () => {
    expect(closeVerdict({ ...live, code: 1002, error: error('future') })).toEqual(bad)
    expect(closeVerdict({ ...live, code: 1012, error: error('constructor') })).toEqual(spread)
  })
})

describe('without an error frame the close code decides', () => {
  const stop = (by: 'server' | 'forbidden', code: number): Verdict => ({ do: 'stop', by, code, reason: 'bye' })
  const rows: readonly {
    row: string
    codes: readonly number[]
    verdict: (code: number) => Verdict
    onlyMe?: (code: number) => Verdict
  }[] = [
    { row: '1000 | stays closed: the server meant it', codes: [1000], verdict: (code) => stop('server', code) },
    { row: '1001, 1012, 1013 | reconnect spread', codes: [1001, 1012, 1013], verdict: () => spread },
    {
      row: '1005, 1006, 1011, 1014, 1015 | the same, unless only this client was hit',
      codes: [1005, 1006, 1011, 1014, 1015],
      verdict: () => spread,
      onlyMe: () => early,
    },
    {
      row: '1002, 1003, 1007, 1009, 1010 | reports, backs off, and gives up',
      codes: [1002, 1003, 1007, 1009, 1010],
      verdict: () => bad,
    },
    { row: '1008, 3000 | as `unauthorized`', codes: [1008, 3000], verdict: () => renew },
    { row: '3003 | as `forbidden`', codes: [3003], verdict: (code) => stop('forbidden', code) },
    { row: '3008 | as `timeout`', codes: [3008], verdict: () => spread },
    {
      row: 'other 3xxx, 4000–4399, 4500–4999 | without a function of the application, back off and retry',
      codes: [3001, 3007, 3999, 4000, 4001, 4002, 4399, 4500, 4999],
      verdict: () => spread,
    },
    {
      row: '4400–4499 | without a function of the application, stop',
      codes: [4400, 4401, 4499],
      verdict: (code) => stop('server', code),
    },
    {
      row: 'no code that a standard names | as 1006',
      codes: [1004, 1016, 2999, 0, -1, NaN],
      verdict: () => spread,
      onlyMe: () => early,
    },
  ]
  test('1001, or the end of a dial, just after `beforeunload` | Firefox closed it, and the page stays: early, and not counted as a failure', () => {
    const ours: Verdict = { do: 'retry', backoff: 'early', ours: true }
    const close = { ...live, code: 1001, onlyMe: true }
    expect(closeVerdict({ ...close, leaving: true })).toEqual(ours)
    expect(closeVerdict({ ...close, leaving: true, welcomed: false })).toEqual(ours)
    expect(closeVerdict({ ...live, leaving: true, opened: false, welcomed: false })).toEqual(ours)
    expect(closeVerdict({ ...live, leaving: true })).toEqual(spread)
    expect(closeVerdict({ ...close, leaving: true, code: 1012 })).toEqual(spread)
    expect(closeVerdict(close)).toEqual(spread)
  })

  const cases = rows.flatMap(({ codes, ...row }) => codes.map((code) => ({ code, ...row })))

  test.each(cases)('$row: $code', ({ code, verdict, onlyMe }) => {
    expect(closeVerdict({ ...live, code, reason: 'bye' })).toEqual(verdict(code))
    expect(closeVerdict({ ...live, code, reason: 'bye', onlyMe: true })).toEqual((onlyMe ?? verdict)(code))
  })

  test.each(cases.filter(({ code }) => code >= 1000))(
    '$row: onClose decides for $code as for every code',
    ({ code, verdict }) => {
      const close = { ...live, code, reason: 'bye' }
      const byTable = verdict(code)
      expect(closeVerdict(close, 'stop')).toEqual({ do: 'stop', by: 'app', code, reason: 'bye' })
      expect(closeVerdict(close, 'retry')).toEqual(byTable.do === 'renew-token' ? renew : spread)
      expect(closeVerdict(close, undefined)).toEqual(byTable)
    },
  )
})

describe('what else is known about the leg matters', () => {
  test('the close code of a failed dial means nothing: the client dials again within the spread', () => {
    for (const code of [1000, 1002, 1006, 1008, 1015, 3003, 4400]) {
      expect(closeVerdict({ ...live, code, opened: false, welcomed: false, onlyMe: true })).toEqual(spread)
    }
    expect(closeVerdict({ ...live, opened: false, welcomed: false }, 'stop')).toMatchObject({ do: 'stop', by: 'app' })
  })

  test('1000 on a leg that the server had asked to hand over is followed by a reconnection, not by the end', () => {
    expect(closeVerdict({ ...live, code: 1000, asked: true })).toEqual(spread)
    expect(closeVerdict({ ...live, code: 3003, asked: true })).toMatchObject({ do: 'stop' })
  })

  test('a leg that opened and was never welcomed is not dialled again early', () => {
    expect(closeVerdict({ ...live, welcomed: false, onlyMe: true })).toEqual(spread)
  })

  test('`session-ended` and `superseded` stop the session whatever onClose returns', () => {
    for (const code of ['session-ended', 'superseded']) {
      for (const ask of ['retry', 'stop'] as const) {
        expect(closeVerdict({ ...live, code: 3000, error: error(code) }, ask)).toMatchObject({ do: 'stop', by: code })
      }
    }
  })

  test('onClose overrides every other error frame, and its `retry` keeps the delay of that frame', () => {
    expect(closeVerdict({ ...live, code: 3003, error: error('forbidden') }, 'retry')).toEqual(spread)
    expect(closeVerdict({ ...live, code: 1013, error: error('busy', { retryAfter: 9 }) }, 'retry')).toEqual({
      do: 'retry',
      backoff: 'busy',
      retryAfter: 9,
    })
    expect(closeVerdict({ ...live, code: 1013, error: error('busy') }, 'stop')).toEqual({
      do: 'stop',
      by: 'app',
      code: 1013,
      reason: 'in words',
    })
  })

  test('the message of the error frame comes before the reason of the close', () => {
    const close = { ...live, code: 3003, reason: 'bye' }
    expect(closeVerdict({ ...close, error: error('forbidden') })).toHaveProperty('reason', 'in words')
    expect(closeVerdict({ ...close, error: error('forbidden', { message: '' }) })).toHaveProperty('reason', 'bye')
    expect(closeVerdict({ ...live, code: 3003 })).not.toHaveProperty('reason')
  })
})
