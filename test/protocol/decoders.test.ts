import { describe, expect, test } from 'vitest'
import { decodeClientFrame } from '../../src/protocol/client-frame-decoder.js'
import type { Rejected } from '../../src/protocol/frames.js'
import { livesocketV1 } from '../../src/topics/livesocket-v1.js'
import { decodeServerFrame } from '../../src/protocol/server-frames.js'
import { openCodec } from '../kit/open-codec.js'
import { badTexts, badValues } from './bad-fields.js'
import { withField } from './bad-frames.js'
import { clientSamples, serverSamples, type Sample } from './samples.js'

type Decode = (text: string, limit?: number) => object | null

const sides: readonly { name: string; decode: Decode; samples: readonly Sample<object>[] }[] = [
  { name: 'from a client', decode: decodeClientFrame, samples: clientSamples },
  { name: 'from a server', decode: decodeServerFrame, samples: serverSamples },
]

function without(wire: Readonly<Record<string, unknown>>, field: string): string {
  return JSON.stringify({ ...wire, [field]: undefined })
}

function expectRejected(result: object | null, ...says: string[]): void {
  expect(result).toHaveProperty('invalid')
  const { invalid } = result as Rejected
  for (const part of says) expect(invalid).toContain(part)
  expect(invalid).not.toContain('canary')
  expect(invalid.length).toBeLessThan(200)
}

describe.each(sides)('a frame $name', ({ decode, samples }) => {
  test.each(badTexts)('that is $name is refused', ({ json }) => {
    expectRejected(decode(json))
  })

  test.each(samples.map(({ wire, frame }) => ({ type: String(wire['type']), wire, frame })))(
    '$type is read with every field',
    ({ wire, frame }) => {
      expect(decode(JSON.stringify(wire))).toEqual(frame)
    },
  )

  const fields = samples.flatMap(({ wire, rules }) =>
    Object.entries(rules).map(([field, rule]) => ({ type: String(wire['type']), wire, field, rule })),
  )

  test.each(fields.filter(({ rule }) => rule.optional))('$type is read without $field', ({ wire, field, type }) => {
    const decoded = decode(without(wire, field))
    expect(decoded).toHaveProperty('type', type)
    if (!(type === 'message' && field === 'prev'))
      expect((decoded as unknown as Record<string, unknown>)[field]).toBeUndefined()
  })

  test.each(fields.filter(({ rule }) => !rule.optional))(
    '$type without $field is refused with the reason',
    ({ wire, field, type }) => {
      expectRejected(decode(without(wire, field)), `${type}.${field} must`)
    },
  )

  const bad = fields.flatMap(({ type, wire, field, rule }) =>
    badValues[rule.kind].map(({ name, json }) => ({ type, wire, field, name, json })),
  )

  test.each(bad)('$type whose $field is $name is refused with the reason', ({ wire, field, type, json }) => {
    expectRejected(decode(withField(wire, field, json)), `${type}.${field}`, ' must ')
  })

  test.each(samples.map(({ wire, frame }) => ({ type: String(wire['type']), wire, frame })))(
    'transport: unknown fields of $type are ignored',
    ({ wire, frame }) => {
      expect(decode(withField(wire, 'futureField', '{"deep":[1,2,{"canary":null}]}'))).toEqual(frame)
      expect(decode(withField(wire, '__proto__', '{"id":7,"polluted":true}'))).toEqual(frame)
      expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
    },
  )

  test.each(['', 'Ping', 'welcome ', 'constructor', '__proto__', 'toString', 'future-frame', 'x'.repeat(100_000)])(
    'transport: an unknown type is ignored (case %#)',
    (type) => {
      expect(decode(JSON.stringify({ type, offset: -1 }))).toBeNull()
    },
  )

  test('over the size limit is refused before it is parsed, at the limit it is read', () => {
    const text = JSON.stringify(samples[0]?.wire)
    expect(decode(text, text.length)).toHaveProperty('type')
    expectRejected(decode(text, text.length - 1), 'limit')
  })

  test('takes no field from a polluted Object.prototype', () => {
    const prototype = Object.prototype as {
      offset?: unknown
      token?: unknown
      topic?: unknown
      epoch?: unknown
      data?: unknown
    }
    try {
      Object.assign(prototype, { offset: 7, token: 'canary', topic: 'a', epoch: 'e', data: 1 })
      expect(decode('{"type":"message","prev":6}') ?? { invalid: '' }).toHaveProperty('invalid')
      expect(decode('{"type":"auth"}') ?? { invalid: '' }).toHaveProperty('invalid')
    } finally {
      for (const name of ['offset', 'token', 'topic', 'epoch', 'data'] as const) delete prototype[name]
    }
  })

  test('is decoded the same when Object.prototype has a property that is not a field of frames', () => {
    const prototype = Object.prototype as { contains?: unknown }
    try {
      for (const contains of [1, () => true]) {
        prototype.contains = contains
        for (const { wire } of samples) {
          const read = decode(JSON.stringify(wire)) ?? {}
          expect(Object.keys(read)).toContain('type')
          expect(Object.keys(read)).not.toContain('contains')
        }
      }
    } finally {
      delete prototype.contains
    }
  })

  test('of a hundred thousand topics under one name only the last counts', () => {
    const text = `{"type":"subscribe","id":"q","topics":{${'"a":{},'.repeat(100_000)}"a":{"epoch":"e","offset":3}}}`
    const decoded = decodeClientFrame(text)
    expect(decoded).toEqual({ type: 'subscribe', id: 'q', topics: new Map([['a', { epoch: 'e', offset: 3 }]]) })
  })
})

describe('a message', () => {
  const message = (fields: string): object | null => decodeServerFrame(`{"type":"message","topic":"a",${fields}}`)

  test('without prev follows the offset before it', () => {
    expect(message('"offset":1,"data":0')).toEqual({
      type: 'message',
      topic: 'a',
      offset: 1,
      prev: 0,
      data: 0,
      hasData: true,
    })
  })

  test('without data only advances the position; null as data is data', () => {
    expect(message('"offset":5')).toEqual({ type: 'message', topic: 'a', offset: 5, prev: 4, hasData: false })
    expect(message('"offset":5,"data":null')).toEqual({
      type: 'message',
      topic: 'a',
      offset: 5,
      prev: 4,
      data: null,
      hasData: true,
    })
  })

  test.each([
    ['at its own offset', '"offset":5,"prev":5'],
    ['above its offset', '"offset":5,"prev":6'],
  ])('whose prev is %s is refused', (_, fields) => {
    expectRejected(message(fields), 'message.prev must be below offset')
  })

  test('may have the largest offset there is, and none above it', () => {
    expect(message('"offset":9007199254740991')).toMatchObject({ offset: 2 ** 53 - 1, prev: 2 ** 53 - 2 })
    expectRejected(message('"offset":9007199254740992'), 'message.offset')
    expectRejected(message('"offset":9007199254740993'), 'message.offset')
  })

  test('minus zero as prev is zero', () => {
    expect(Object.is((message('"offset":5,"prev":-0') as { prev: number }).prev, 0)).toBe(true)
  })

  test('that is refused names its topic, so that only that topic is asked for again', () => {
    expect(message('"offset":0')).toEqual({
      invalid: 'message.offset must be a whole number from 1 to 2^53 - 1',
      topic: 'a',
    })
    expect(
      decodeServerFrame('{"type":"welcome","server":"n","topics":{"__proto__":{"epoch":"e","offset":-1,"after":0}}}'),
    ).toEqual({
      invalid: 'welcome.topics[].offset must be a whole number from 0 to 2^53 - 1',
      topic: '__proto__',
    })
  })

  test('passes data on unchanged, with __proto__ keys, lone surrogates and any depth', () => {
    const deep = '['.repeat(5_000) + ']'.repeat(5_000)
    const decoded = message(`"offset":1,"data":{"__proto__":{"polluted":true},"text":"\\ud800","deep":${deep}}`) as {
      data: Record<string, unknown>
    }
    expect(Object.keys(decoded.data)).toEqual(['__proto__', 'text', 'deep'])
    expect(decoded.data['text']).toBe('\ud800')
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  })
})

describe('livesocketV1', () => {
  const codec = openCodec(livesocketV1())

  test('gives one frame for a valid text, none for an unknown type, and a rejection for the rest', () => {
    expect(codec.decode('{"type":"pong"}')).toEqual({ type: 'pong' })
    expect(codec.decode('{"type":"future-frame"}')).toEqual([])
    expect(codec.decode('nonsense')).toEqual({ invalid: 'a frame must be JSON' })
    expect(codec.decode(new ArrayBuffer(8))).toEqual({ invalid: 'a frame must be text, this one is binary' })
  })

  test('writes what a server reads, and refuses data that JSON cannot express', () => {
    expect(codec.encode({ type: 'ping' })).toBe('{"type":"ping"}')
    expect(codec.encode({ type: 'publish', id: 'p', topic: 'a', data: 10n })).toBeNull()
  })
})
