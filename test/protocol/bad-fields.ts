import type { Kind } from './samples.js'

/**
 * An invalid value of a field, as JSON text, and what is wrong with it. It is text, because `JSON.stringify` cannot
 * write 1e999.
 */
export interface Bad {
  readonly name: string
  readonly json: string
}

const json = (name: string, value: unknown): Bad => ({ name, json: JSON.stringify(value) })

const notText: readonly Bad[] = [
  json('null', null),
  json('a number', 7),
  json('a boolean', true),
  json('an array', ['x']),
  json('an object', {}),
]

const text = (most: number): readonly Bad[] => [
  ...notText,
  json('empty', ''),
  json(`${most + 1} characters`, 'x'.repeat(most + 1)),
  json('a megabyte', 'x'.repeat(2 ** 20)),
]

const number = (least: number): readonly Bad[] => [
  json('null', null),
  json('a numeric string', '7'),
  json('a boolean', true),
  json('an array', [7]),
  json('an object', {}),
  json('negative', -1),
  ...(least > 0 ? [json('zero', 0), { name: 'minus zero', json: '-0' }] : []),
  json('a fraction', 1.5),
  json('2^53', 2 ** 53),
  json('huge', 1e308),
  { name: 'infinite', json: '1e999' },
  { name: 'negative infinite', json: '-1e999' },
]

const notMap: readonly Bad[] = [
  json('null', null),
  json('a string', 'a'),
  json('a number', 7),
  json('with an empty name', { '': {} }),
  json('with a name of 257 characters', { ['x'.repeat(257)]: {} }),
  json('with null for a topic', { a: null }),
  json('with an array for a topic', { a: [] }),
  json('with a string for a topic', { a: 'e' }),
]

const entries = (fields: Readonly<Record<string, readonly Bad[]>>, valid: Readonly<Record<string, unknown>>): Bad[] =>
  Object.entries(fields).flatMap(([field, bads]) => {
    const rest = Object.fromEntries(Object.entries(valid).filter(([other]) => other !== field))
    const withField = (json: string): string => `{"a":${JSON.stringify(rest).replace(/}$/, `,"${field}":${json}}`)}}`
    return [
      { name: `with a topic without ${field}`, json: JSON.stringify({ a: rest }) },
      ...bads.map((bad) => ({ name: `with a topic whose ${field} is ${bad.name}`, json: withField(bad.json) })),
    ]
  })

const answer = { epoch: 'e', offset: 7, after: 3 }
const position = { epoch: 'e', offset: 7 }

export const badValues: Readonly<Record<Kind, readonly Bad[]>> = {
  id: text(128),
  epoch: text(64),
  topic: text(256),
  token: text(65_536),
  words: [...notText, json('4,097 characters', 'x'.repeat(4_097))],
  url: notText,
  'from 1': number(1),
  'from 0': number(0),
  duration: number(0),
  names: [
    json('null', null),
    json('an object', { a: {} }),
    json('a string', 'a'),
    json('with a number', ['a', 7]),
    json('with null', [null]),
    json('with an empty name', ['']),
    json('with a name of 257 characters', ['x'.repeat(257)]),
  ],
  requests: [
    ...notMap,
    json('an array', ['a']),
    ...entries({ epoch: text(64), offset: number(0) }, position),
    ...number(1).map(({ name, json }) => ({
      name: `with a topic whose last is ${name}`,
      json: `{"a":{"last":${json}}}`,
    })),
  ],
  answers: [
    ...notMap,
    json('an array', ['a']),
    json('with {} for a topic', { a: {} }),
    ...entries({ epoch: text(64), offset: number(0), after: number(0) }, answer),
  ],
  data: [],
}

/** Texts that are no frame at all, in either direction. */
export const badTexts: readonly Bad[] = [
  { name: 'empty', json: '' },
  { name: 'white space', json: ' \t\n' },
  { name: 'not JSON', json: 'hello' },
  { name: 'JSON null', json: 'null' },
  { name: 'a JSON number', json: '7' },
  { name: 'a JSON string', json: '"ping"' },
  { name: 'a JSON array', json: '[{"type":"ping"}]' },
  { name: 'cut off', json: '{"type":"ping"' },
  { name: 'two frames in one text', json: '{"type":"ping"}{"type":"ping"}' },
  { name: 'behind a byte order mark', json: '\ufeff{"type":"ping"}' },
  { name: 'UTF-16 read as bytes', json: '{\0"\0t\0y\0p\0e\0"\0' },
  { name: 'a megabyte of opening brackets', json: '['.repeat(2 ** 20) },
  { name: 'a megabyte of brackets, closed', json: '['.repeat(2 ** 19) + ']'.repeat(2 ** 19) },
  { name: 'a megabyte of nested objects, cut off', json: '{"a":'.repeat(2 ** 18) },
  { name: 'a lone surrogate', json: '\ud800' },
  { name: 'without a type', json: '{"id":"p-1"}' },
  { name: 'with null as type', json: '{"type":null}' },
  { name: 'with a number as type', json: '{"type":7}' },
  { name: 'with an array as type', json: '{"type":["ping"]}' },
  { name: 'with its type on __proto__ only', json: '{"__proto__":{"type":"ping"}}' },
]
