import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeClientFrame } from '../../src/protocol/client-frame-decoder.js'
import { encodeClientFrame } from '../../src/protocol/client-frames.js'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.js'
import { decodeServerFrame, encodeServerFrame } from '../../src/protocol/server-frames.js'
import { frames, mutation } from './arbitrary-frames.js'
import { clientSamples, serverSamples } from './samples.js'

const runs = { numRuns: 20_000, seed: 20_261_122 }

describe.each([
  {
    side: 'client',
    all: frames<ClientFrame | ServerFrame>(clientSamples),
    encode: encodeClientFrame as (frame: never) => string,
    decode: decodeClientFrame,
  },
  {
    side: 'server',
    all: frames<ClientFrame | ServerFrame>(serverSamples),
    encode: encodeServerFrame as (frame: never) => string,
    decode: decodeServerFrame,
  },
])('20,000 random frames of a $side', { timeout: 60_000 }, ({ all, encode, decode }) => {
  test('decode to what was encoded', () => {
    fc.assert(
      fc.property(all, (frame) => {
        expect(decode(encode(frame as never))).toEqual(frame)
      }),
      runs,
    )
  })

  test('that were damaged throw nothing, and what still decodes is a valid frame', () => {
    fc.assert(
      fc.property(all, mutation, (frame, damage) => {
        const decoded = decode(damage(encode(frame as never)))
        if (decoded === null) return
        if ('invalid' in decoded) expect(decoded.invalid.length).toBeLessThan(200)
        else expect(decode(encode(decoded as never))).toEqual(sayable(decoded))
      }),
      runs,
    )
  })

  test('and any other text throw nothing', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
        const decoded = decode(text)
        expect(decoded === null || 'invalid' in decoded || 'type' in decoded).toBe(true)
      }),
      runs,
    )
  })
})

/**
 * The value as JSON can express it: a number that the damage made too large is infinite once decoded, and JSON writes
 * that as null.
 */
function sayable(value: unknown): unknown {
  if (value === Infinity || value === -Infinity) return null
  if (Array.isArray(value)) return value.map(sayable)
  if (typeof value !== 'object' || value === null || value instanceof Map) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, sayable(member)]))
}
