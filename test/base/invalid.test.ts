import { describe, expect, test } from 'vitest'
import { escaped, quoted, shown } from '../../src/base/invalid.js'

describe('foreign text in an error or a log', () => {
  test.each([
    ['line feeds', 'one\ntwo\r\n', '"one\\ntwo\\r\\n"'],
    ['terminal escapes', '\u001b[2J\u009b1A', '"\\u001b[2J\\u009b1A"'],
    ['marks that turn a line around', 'a\u202eb\u2066', '"a\\u202eb\\u2066"'],
    ['line separators', 'a\u2028b', '"a\\u2028b"'],
  ])('stays on one line and cannot control a terminal: %s', (_what, said, shownAs) => {
    expect(quoted(said)).toBe(shownAs)
    expect(escaped(said)).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u202e\u2066]/)
  })

  test('is cut short, and an object is shown only as "an object"', () => {
    expect(shown('x'.repeat(1_000))).toHaveLength(102)
    expect([{ token: 'secret' }, null, undefined, 5].map(shown)).toEqual(['an object', 'null', 'undefined', '5'])
  })
})
