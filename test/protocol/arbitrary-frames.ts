import fc from 'fast-check'
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.js'
import type { Kind, Sample } from './samples.js'

const anyCharacter = fc.string({ unit: 'binary', minLength: 1, maxLength: 24 })
const unit = fc.oneof(
  anyCharacter,
  fc.constantFrom('__proto__', 'constructor', 'hasOwnProperty', '7', '\ud800', '\u0000', '"\\'),
)
const offset = fc.oneof(fc.nat(), fc.constantFrom(2 ** 53 - 1, 2 ** 31, 2 ** 32))
const epoch = fc.string({ minLength: 1, maxLength: 64 })
const position = fc.record({ epoch, offset })
const answer = fc.record({ epoch, offset, after: offset })
const map = <Value>(value: fc.Arbitrary<Value>) =>
  fc.array(fc.tuple(unit, value), { maxLength: 5 }).map((entries) => new Map(entries))
// JSON writes −0 as 0, so data with −0 cannot survive a round trip.
const data = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as unknown)

/** Valid values for a field of each kind, as they are in a decoded frame. */
const valid: Readonly<Record<Kind, fc.Arbitrary<unknown>>> = {
  id: unit,
  epoch,
  topic: unit,
  token: fc.string({ minLength: 1, maxLength: 200 }),
  words: fc.string({ maxLength: 200 }),
  url: fc.oneof(fc.webUrl(), fc.string()),
  'from 1': offset.map((n) => Math.max(1, n)),
  'from 0': offset,
  duration: offset,
  names: fc.array(unit, { maxLength: 5 }),
  requests: map(fc.oneof(position, fc.record({ last: offset.map((n) => Math.max(1, n)) }), fc.constant(null))),
  answers: map(answer),
  data,
}

/** Any valid frame of those kinds. */
export function frames<Frame extends ClientFrame | ServerFrame>(
  samples: readonly Sample<Frame>[],
): fc.Arbitrary<Frame> {
  return fc.oneof(
    ...samples.map(({ frame, rules }) => {
      const needed = Object.keys(rules).filter((field) => !rules[field]?.optional)
      const fields = Object.fromEntries(Object.entries(rules).map(([field, rule]) => [field, valid[rule.kind]]))
      return fc
        .record(fields, { requiredKeys: needed })
        .map((values) => asDecoded({ type: frame.type, ...values }) as Frame)
    }),
  )
}

function asDecoded(frame: Record<string, unknown>): object {
  if (frame['type'] !== 'message') return frame
  const at = frame['offset'] as number
  return { ...frame, prev: Math.min((frame['prev'] as number | undefined) ?? at - 1, at - 1), hasData: 'data' in frame }
}

const anyJson = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom(null, -1, 1.5, 2 ** 53, 1e308, '', '7', true, {}, [], [[]], { __proto__: null }, 'x'.repeat(300)),
)

/**
 * Damage to a valid frame on its way: a field is missing, replaced, added or in another place, or the text itself is
 * damaged.
 */
export const mutation: fc.Arbitrary<(text: string) => string> = fc.oneof(
  fc
    .nat()
    .map((nth) => (text: string) => changed(text, (fields, names) => delete fields[names[nth % names.length] ?? ''])),
  fc.tuple(fc.nat(), anyJson).map(
    ([nth, value]) =>
      (text: string) =>
        changed(text, (fields, names) => (fields[names[nth % names.length] ?? ''] = value)),
  ),
  fc.tuple(fc.constantFrom('prev', 'offset', 'token', 'topics', 'type', 'data', 'epoch'), anyJson).map(
    ([name, value]) =>
      (text: string) =>
        changed(text, (fields) => (fields[name] = value)),
  ),
  anyJson.map(
    (value) => (text: string) =>
      changed(text, (fields) => (fields['topics'] = { ...Object(fields['topics']), a: value })),
  ),
  fc.nat().map((at) => (text: string) => text.slice(0, at % (text.length + 1))),
  fc.tuple(fc.nat(), fc.string({ unit: 'binary', maxLength: 3 })).map(([at, noise]) => (text: string) => {
    const place = at % (text.length + 1)
    return text.slice(0, place) + noise + text.slice(place + 1)
  }),
)

function changed(text: string, change: (fields: Record<string, unknown>, names: string[]) => unknown): string {
  const fields = JSON.parse(text) as Record<string, unknown>
  change(fields, Object.keys(fields))
  return JSON.stringify(fields)
}
