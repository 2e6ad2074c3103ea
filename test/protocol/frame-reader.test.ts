import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameReader } from '../../src/protocol/frame-reader.js'
import { decodeServerFrame, encodeServerFrame } from '../../src/protocol/server-frames.js'
import { mutation } from './arbitrary-frames.js'

const message = (rest: string, topic = 'a') => `{"type":"message","topic":${JSON.stringify(topic)},${rest}}`

/** A reader that has already read two messages of the topic, so that it uses the fast path. */
function inTheMiddle(topic = 'a') {
  const reader = new FrameReader()
  for (const offset of [1, 2]) reader.read(message(`"offset":${offset},"data":0`, topic))
  return reader
}

const data = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)
const topic = fc.constantFrom('a', 'b', '__proto__', 'with "quotes" and \\', '\u0000\ud800', 'x'.repeat(256))
const offset = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(2 ** 31, 1e15 - 1, 1e15, 2 ** 53 - 1))

/** Messages as servers write them, some repeated in a row, and some damaged on the way. */
const texts = fc
  .array(
    fc.tuple(
      fc.record({ topic, offset, data, by: fc.option(data, { nil: undefined }), back: fc.integer({ min: 1, max: 3 }) }),
      fc.integer({ min: 1, max: 4 }),
      fc.option(mutation, { freq: 3, nil: undefined }),
    ),
    { maxLength: 12 },
  )
  .map((all) =>
    all.flatMap(([{ topic, offset, data, by, back }, times, damage]) => {
      const prev = Math.max(0, offset - back)
      const text = encodeServerFrame({ type: 'message', topic, offset, prev, data, by, hasData: true })
      return Array.from({ length: times }, (_, at) => (at === times - 1 && damage ? damage(text) : text))
    }),
  )

describe('a text from a leg', () => {
  test('is read as it would be on its own, whatever came before it', () => {
    fc.assert(
      fc.property(texts, (all) => {
        const reader = new FrameReader()
        for (const text of all) expect(reader.read(text)).toEqual(decodeServerFrame(text))
      }),
      { numRuns: 400, seed: 20_261_129 },
    )
  })

  test.each([
    '"offset":3,"data":1',
    '"offset":3,"data": {"a":1} ',
    '"offset":3,"data":{"__proto__":1}',
    '"offset":3,"data":"}"',
    '"offset":3,"prev":1,"data":1',
    '"offset":3,"id":"p","data":1',
    '"offset":3,"data":1,"by":"ada"',
    '"offset":3,"data":1,"offset":9',
    '"offset":3,"data":1,"data":2',
    '"offset":3',
    '"offset":03,"data":1',
    '"offset":0,"data":1',
    '"offset":-3,"data":1',
    '"offset":3.5,"data":1',
    '"offset":3e2,"data":1',
    '"offset":,"data":1',
    '"offset":9007199254740991,"data":1',
    '"offset":9007199254740992,"data":1',
    '"offset":3,"data":',
    '"offset":3,"data":1]',
    '"offset":3,"data":{',
  ])('with %s among messages of one topic is read as it would be on its own, and so are those after it', (fields) => {
    const reader = inTheMiddle()
    for (const text of [
      message(fields),
      message('"offset":7,"data":7'),
      message('"offset":8,"data":8'),
      message(fields),
    ])
      expect(reader.read(text)).toEqual(decodeServerFrame(text))
  })

  test('over the size limit is refused among messages of one topic, too', () => {
    const text = message(`"offset":3,"data":"${'x'.repeat(16 * 1024 * 1024)}"`)
    expect(inTheMiddle().read(text)).toEqual(decodeServerFrame(text))
    expect(inTheMiddle().read(text)).toHaveProperty('invalid')
  })

  test('gets no field from a polluted Object.prototype', () => {
    const prototype = Object.prototype as { by?: unknown; data?: unknown }
    try {
      Object.assign(prototype, { by: 'nobody', data: 1 })
      const frame = inTheMiddle().read(message('"offset":3,"data":2')) as object
      expect(frame).toMatchObject({ offset: 3, data: 2, by: undefined })
    } finally {
      delete prototype.by
      delete prototype.data
    }
  })
})
