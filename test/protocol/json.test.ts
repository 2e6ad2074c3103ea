import { describe, expect, it } from 'vitest'
import { byteLength, serialise } from '../../src/protocol/json.js'

describe('data as JSON text', () => {
  it.each<[unknown, string]>([
    [null, 'null'],
    ['text', '"text"'],
    [
      { a: [1, undefined, () => 1], b: undefined, at: new Date(0) },
      '{"a":[1,null,null],"at":"1970-01-01T00:00:00.000Z"}',
    ],
    ['\ud800', '"\\ud800"'],
  ])('%j is %s', (data, json) => {
    expect(serialise(data)).toEqual({ json })
  })

  it.each<[string, unknown, string]>([
    ['undefined', undefined, 'JSON cannot express undefined'],
    ['a function', () => 1, 'JSON cannot express a function'],
    ['a symbol', Symbol('x'), 'JSON cannot express a symbol'],
    ['a BigInt', 1n, 'BigInt'],
    [
      'what throws an Error',
      {
        toJSON() {
          throw new Error('from toJSON')
        },
      },
      'from toJSON',
    ],
    [
      'what throws anything else',
      {
        toJSON() {
          throw 'text'
        },
      },
      'serialising it threw',
    ],
  ])('says why %s has none, and throws nothing', (_, data, why) => {
    const result = serialise(data)
    expect('invalid' in result && result.invalid).toContain(why)
  })

  it('counts the bytes of UTF-8', () => {
    for (const text of ['', 'abc', 'é', '漢字', '🙂', 'a🙂é漢', '\u07ff\u0800\uffff'])
      expect(byteLength(text), JSON.stringify(text)).toBe(new TextEncoder().encode(text).length)
  })
})
