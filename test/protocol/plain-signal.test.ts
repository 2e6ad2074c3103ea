import { expect, test } from 'vitest'
import { decodeClientFrame } from '../../src/protocol/client-frame-decoder.js'

const signal = (rest: string) => `{"type":"signal",${rest}`

test('the fast path for signals reads the same as JSON.parse does, however the text is written', () => {
  const topics = [
    'room',
    'a:b/c',
    'größe',
    '🦩',
    'x'.repeat(256),
    'x'.repeat(257),
    '',
    'a\\"b',
    'a\\u0041',
    'a\nb',
    'a\u007fb',
    '\ud800',
  ]
  const ids = ['V1StGXR8_Z5jdHi6B-myT.12', 'x'.repeat(128), 'x'.repeat(129), '', 'ü', 'a b', 'a\\nb']
  const tails = [
    '1}',
    'null}',
    '{"x":[1,"}"]}}',
    '"é"}',
    '1,"data":2}',
    '1,"by":"admin"}',
    '1',
    '1]',
    '1} ',
    '}',
    '1}}',
    ' 1 }',
    '{"__proto__":1}}',
    '1e999}',
  ]
  const texts = [
    ...topics.map((topic) => signal(`"id":"s.1","topic":"${topic}","data":1}`)),
    ...ids.map((id) => signal(`"id":"${id}","topic":"room","data":1}`)),
    ...tails.map((tail) => signal(`"id":"s.1","topic":"room","data":${tail}`)),
    signal('"topic":"room","id":"s.1","data":1}'),
    signal('"id":"s.1","topic":"room"}'),
  ]
  // A text that begins with a space takes the slow path.
  for (const text of texts) expect(decodeClientFrame(text), text).toEqual(decodeClientFrame(` ${text}`))
  expect(texts.filter((text) => 'type' in decodeClientFrame(text)!)).toHaveLength(25)
})
