import { explain } from '../base/explanation.js'
import type { Rejected } from './frames.js'

/** A JSON object as it arrived. Only its own properties count. */
export type Fields = Readonly<Record<string, unknown>>

/** Text of more than this many characters is not even parsed, unless a caller sets another limit: 16 Mi. */
export const MAX_TEXT = 16 * 1024 * 1024

export const MAX_EPOCH = 64
export const MAX_TOPIC = 256
/** The longest session, server, publish, subscribe or handover id, and the longest error code, in characters. */
export const MAX_ID = 128
/** The longest `message` or `reason`, in characters. */
export const MAX_WORDS = 4_096
/** The longest URL that a server may give, in characters: browsers, proxies and servers all accept this much. */
export const MAX_URL = 2_048
/**
 * The longest token, in characters: far above any JWT that a server would accept in a header, far below what would
 * hurt.
 */
export const MAX_TOKEN = 65_536

/** Reads a field, and throws if its value breaks the rule. */
export type Rule<Value> = (fields: Fields, field: string) => Value

/** The rule for each field. `text` and `json` are kept beside a frame by its sender and are never on the wire. */
export type Rules<Shape> = { readonly [Field in Exclude<keyof Shape, 'type' | 'text' | 'json'>]-?: Rule<Shape[Field]> }

/** The frame types of one side, each with the rules of its fields, or with a function that reads it. */
export type FrameTable<Frame extends { readonly type: string }> = {
  readonly [Type in Frame['type']]:
    | Rules<Extract<Frame, { readonly type: Type }>>
    | ((fields: Fields) => Extract<Frame, { readonly type: Type }>)
}

/** Thrown by the rules in this file and caught by `decodeFrame`. It names the field and the rule, never the value. */
class InvalidField extends Error {
  readonly topic: string | undefined

  constructor(what: string, topic?: string) {
    super(what)
    this.topic = topic
  }
}

/**
 * The only way from text to a frame. Null if the type is not in the table. Never throws. The rejection of a bad frame
 * quotes nothing of it but the topic, since a frame may contain a token.
 */
export function decodeFrame<Frame extends { readonly type: string }>(
  text: string,
  limit: number,
  table: FrameTable<Frame>,
): Frame | Rejected | null {
  if (text.length > limit)
    return { invalid: explain`a frame of ${text.length} characters is over the limit of ${limit}` }
  let fields: unknown
  try {
    fields = JSON.parse(text)
  } catch {
    return { invalid: 'a frame must be JSON' }
  }
  if (!isFields(fields)) return { invalid: explain`a frame must be a JSON object` }
  const type = own(fields, 'type')
  if (typeof type !== 'string') return { invalid: 'type must be a string' }
  const row = own(table, type) as Rules<Frame> | ((fields: Fields) => Frame) | undefined
  if (!row) return null
  try {
    return typeof row === 'function' ? row(fields) : readFields(fields, row, { type })
  } catch (thrown) {
    if (!(thrown instanceof InvalidField)) return { invalid: explain`a frame must be small enough to read` }
    const topic = thrown.topic ?? own(fields, 'topic')
    const invalid = `${type}.${thrown.message}`
    return isText(topic, 1, MAX_TOPIC) ? { invalid, topic } : { invalid }
  }
}

export function readFields<Shape extends object>(fields: Fields, rules: Rules<Shape>, into: object = {}): Shape {
  const read = into as Record<string, unknown>
  for (const field of Object.keys(rules)) read[field] = rules[field as keyof Rules<Shape>](fields, field)
  return read as Shape
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/**
 * The field's value, of any type. An absent property is undefined, even if a script has added one of that name to
 * `Object.prototype`.
 */
export function own(fields: Fields, field: string): unknown {
  return Object.hasOwn(fields, field) ? fields[field] : undefined
}

function isText(value: unknown, least: number, most: number): value is string {
  return typeof value === 'string' && value.length >= least && value.length <= most
}

/** A string of `least` (by default 1) to `most` characters. */
export function text(most: number = MAX_ID, least = 1): Rule<string> {
  return (fields, field) => {
    const value = own(fields, field)
    if (isText(value, least, most)) return value
    throw new InvalidField(explain`${field} must be a string of ${least} to ${most} characters`)
  }
}

/** A whole number from `least` to 2^53 − 1: of milliseconds, unless stated otherwise. */
export function whole(least = 0): Rule<number> {
  return (fields, field) => {
    const value = own(fields, field)
    // Adding 0 turns −0, which JSON can express, into 0.
    if (Number.isSafeInteger(value) && (value as number) >= least) return (value as number) + 0
    throw new InvalidField(explain`${field} must be a whole number from ${least} to 2^53 - 1`)
  }
}

/** Any JSON value, including `null`; but the field must be present. */
export function required(fields: Fields, field: string): unknown {
  if (Object.hasOwn(fields, field)) return fields[field]
  throw new InvalidField(explain`${field} must be there, if only as null`)
}

/** Undefined if the field is absent. `null` is not absent: it has the wrong type. */
export function optional<Value>(rule: Rule<Value>): Rule<Value | undefined> {
  return (fields, field) => (own(fields, field) === undefined ? undefined : rule(fields, field))
}

/** The `prev` of a message: `offset − 1` if the frame has none. */
export function previous(fields: Fields, offset: number): number {
  const prev = own(fields, 'prev') === undefined ? offset - 1 : whole()(fields, 'prev')
  if (prev < offset) return prev
  throw new InvalidField('prev must be below offset')
}

/** The field's value, which must be an array of topic names. */
export function topicNames(fields: Fields, field: string): string[] {
  const names = own(fields, field)
  if (!Array.isArray(names)) throw new InvalidField(explain`${field} must be an array of names`)
  for (const name of names) checkName(name, field)
  return names as string[]
}

/**
 * A map by topic. Names such as `__proto__` are plain data: JSON makes them own properties, and the result is a Map.
 */
export function topicMap<Value>(read: (entry: Fields) => Value): Rule<Map<string, Value>> {
  return (fields, field) => {
    const entries = own(fields, field)
    if (!isFields(entries)) throw new InvalidField(explain`${field} must be an object`)
    const map = new Map<string, Value>()
    for (const [name, entry] of Object.entries(entries)) {
      checkName(name, field)
      if (!isFields(entry)) throw new InvalidField(explain`${field} must hold an object for each topic`, name)
      try {
        map.set(name, read(entry))
      } catch (thrown) {
        throw thrown instanceof InvalidField ? new InvalidField(`${field}[].${thrown.message}`, name) : thrown
      }
    }
    return map
  }
}

function checkName(name: unknown, field: string): void {
  if (!isText(name, 1, MAX_TOPIC))
    throw new InvalidField(explain`${field} must have names of 1 to ${MAX_TOPIC} characters`)
}

/** The wire form of a map. `Object.fromEntries` defines properties, so `__proto__` is a property like any other. */
export function topicObject<Value>(map: ReadonlyMap<string, Value>, write: (value: Value) => object): object {
  return Object.fromEntries(Array.from(map, ([name, value]) => [name, write(value)]))
}

/**
 * `null` in place of `undefined`. JSON has no `undefined`, so the property would vanish, and its presence has a
 * meaning.
 */
export function presentData(data: unknown): unknown {
  return data === undefined ? null : data
}
