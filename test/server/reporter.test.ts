import { describe, expect, test } from 'vitest'
import { LiveSocketError } from '../../src/base/errors.js'
import { createPrinter, createReport } from '../../src/server/reporter.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

function printer() {
  const clock = createSimulatedClock()
  const printed: string[] = []
  return { clock, printed, print: createPrinter(clock, (text) => printed.push(text)) }
}

describe('errors that are printed where no onError is set', () => {
  test('a kind of error is printed once with its stack, then with its count at the 10th, 100th and 1,000th time and after a minute', async () => {
    const { clock, printed, print } = printer()
    for (let count = 0; count < 2_470; count++)
      print(new Error('the database is away'), `authorizing a publish into "room-${count}"`)
    expect(printed).toHaveLength(4)
    expect(printed[0]).toMatch(/^livesocket: authorizing a publish into "room-0": Error: the database is away\n {4}at /)
    expect(printed.slice(1)).toEqual(
      [10, 100, 1_000].map(
        (times) =>
          `livesocket: authorizing a publish into "room-${times - 1}": Error: the database is away (${times} times in 0 s)`,
      ),
    )
    await clock.advance(60_000)
    print(new Error('the database is still away'), 'authorizing a publish into "t"')
    expect(printed[4]).toBe(
      'livesocket: authorizing a publish into "t": Error: the database is still away (2471 times in 60 s)',
    )
  })

  test('errors with another task, name or code are of another kind', () => {
    const { printed, print } = printer()
    const coded = (code: string) => Object.assign(new Error('x'), { code })
    for (const error of [new Error('x'), new TypeError('x'), coded('ECONNREFUSED'), coded('ETIMEDOUT'), 'x'])
      print(error, 'authenticating')
    print(new Error('x'), 'filtering')
    expect(printed).toHaveLength(6)
  })

  test.each([
    ['a line feed', 'a\n2026-01-01T00:00:00Z INFO paid', '\\n'],
    ['a carriage return', 'a\rb', '\\r'],
    ['a terminal escape', 'a\u001b[2Kb', '\\u001b'],
    ['its one-character form', 'a\u009b2Kb', '\\u009b'],
    ['a line separator', 'a\u2028b', '\\u2028'],
    ['a right-to-left override', 'a\u202eb', '\\u202e'],
  ])('text of a client with %s is escaped and stays on its line', (_, words, shown) => {
    const { printed, print } = printer()
    const error = new Error(`no room ${words}`, { cause: new Error(words) })
    error.name = words
    print(error, `publishing into ${words}`)
    expect(
      printed[0]!
        .split('\n')
        .slice(1)
        .every((line) => line.startsWith('    at ')),
    ).toBe(true)
    expect(printed[0]).not.toContain(words)
    expect(printed[0]!.toLowerCase()).toContain(shown.length > 2 ? shown : `\\u000${shown === '\\n' ? 'a' : 'd'}`)
  })

  test('a message cannot imitate a line of the stack', () => {
    const { printed, print } = printer()
    print(new Error('no\n    at payment (accepted)'), 'x')
    expect(printed[0]!.split('\n').filter((line) => line.includes('accepted'))).toHaveLength(1)
    expect(printed[0]!.split('\n')[0]).toContain('accepted')
  })

  test('an error of the package is one line with its causes, and a long message is cut', () => {
    const { printed, print } = printer()
    print(
      new LiveSocketError('refused', 'Redis is away', {
        cause: Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:6379')]), {
          code: 'ECONNREFUSED',
        }),
      }),
      'talking to Redis',
    )
    print(new Error('x'.repeat(1_000_000)), 'y')
    expect(printed[0]).toBe(
      'livesocket: talking to Redis: LiveSocketError (refused): Redis is away; because of AggregateError (ECONNREFUSED): ; because of Error: connect ECONNREFUSED ::1:6379',
    )
    expect(printed[1]!.length).toBeLessThan(5_000)
  })

  test.each<[string, () => unknown]>([
    ['undefined', () => undefined],
    ['null', () => null],
    ['a number', () => 7],
    ['a symbol', () => Symbol('s')],
    [
      'an object that has no text',
      () => ({
        toString: () => {
          throw new Error('no')
        },
      }),
    ],
    [
      'an error whose message cannot be read',
      () =>
        Object.defineProperty(new Error('x'), 'message', {
          get: () => {
            throw new Error('no')
          },
        }),
    ],
  ])('%s as an error is printed on one line', (_, error) => {
    const { printed, print } = printer()
    print(error(), 'x')
    expect(printed).toHaveLength(1)
  })
})

test.each([
  [
    'throws',
    () => {
      throw new Error('full disk')
    },
  ],
  ['rejects', () => Promise.reject(new Error('full disk'))],
])('an onError that %s does not end the process, and its error is printed', async (_, onError) => {
  const { error } = console
  const printed: unknown[] = []
  console.error = (text) => printed.push(text)
  try {
    createReport(onError)(new Error('first'), 'x')
    await new Promise<void>((resolve) => void setImmediate(resolve))
  } finally {
    console.error = error
  }
  expect(printed).toEqual([expect.stringContaining('full disk')])
})
