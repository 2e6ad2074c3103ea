import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

/** Turns the value given under that name into the value to use, defaults included; throws `invalid`. */
export type Rule<Value> = (name: string, given: unknown) => Value

/** The known options: a rule for each, or a nested table for an object of options. */
export interface Table {
  readonly [option: string]: Rule<unknown> | Table
}

export type Read<Rules> = {
  -readonly [Option in keyof Rules]: Rules[Option] extends Rule<infer Value> ? Value : Read<Rules[Option]>
}

/** The longest plausible time: a longer one is a mistake in the unit. 400 days, in milliseconds. */
const LONGEST = 34_560_000_000

/** The largest plausible number of messages or bytes. */
const LARGEST = 2 ** 31 - 1

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * Reads an object of options by its table: each option once, and own properties only, so that additions to
 * Object.prototype are ignored. `name` is the path of the object, empty for the options themselves.
 */
export function readOptions<Rules extends Table>(table: Rules, given: unknown, name = ''): Read<Rules> {
  const known = given === undefined && defaults.get(table)
  if (known) return known as Read<Rules>
  if (given !== undefined && (!isObject(given) || Array.isArray(given)))
    throw invalid(name || 'options', 'an object', given)
  // A copy of the table, so that all results read by it share its shape.
  const read: Record<string, unknown> = { ...table }
  for (const [option, rule] of Object.entries(table)) {
    const path = name === '' ? option : `${name}.${option}`
    try {
      const own = isObject(given) && Object.hasOwn(given, option) ? given[option] : undefined
      read[option] = typeof rule === 'function' ? rule(path, own) : readOptions(rule, own, path)
    } catch (thrown) {
      // A getter of the application's object may throw.
      throw thrown instanceof LiveSocketError
        ? thrown
        : new LiveSocketError('invalid', explain`${path} could not be read: it threw.`, { cause: thrown })
    }
  }
  if (given === undefined) defaults.set(table, read)
  return read as Read<Rules>
}

/** The result of each table when nothing was given. */
const defaults = new WeakMap<Table, unknown>()

/**
 * A rule for an object with any names, each of whose values follows the same rule; undefined if none was given. A name
 * without a value is a mistake, such as a name that no module exports: the rule receives null.
 */
export function eachBy<Value>(rule: Rule<Value>): Rule<ReadonlyMap<string, Value> | undefined> {
  return (name, given) => {
    if (given === undefined) return undefined
    const there: Rule<Value> = (path, own) => rule(path, own ?? null)
    const table = Object.fromEntries(Object.keys(given ?? {}).map((key) => [key, there]))
    return new Map(Object.entries(readOptions(table, given, name)))
  }
}

/** `otherwise` is the default. */
export function option<Value, Default>(
  otherwise: Default,
  fits: (given: unknown) => boolean,
  must: () => string,
): Rule<Value | Default> {
  return (name, given) => {
    if (given === undefined) return otherwise
    if (!fits(given)) throw invalid(name, must(), given)
    return given as Value
  }
}

/** A duration in milliseconds. */
export function duration<Default>(otherwise: Default, least = 1, most = LONGEST) {
  return option<number, Default>(
    otherwise,
    (given) => typeof given === 'number' && given >= least && given <= most,
    () => explain`a number of milliseconds from ${least} to ${most}`,
  )
}

export function count(otherwise: number, most = LARGEST) {
  return option<number, number>(
    otherwise,
    (given) => Number.isInteger(given) && (given as number) >= 1 && (given as number) <= most,
    () => explain`a whole number from 1 to ${most}`,
  )
}

export function optionalFunction<Call>(name: string, given: unknown): Call | undefined {
  return given === undefined ? undefined : givenFunction(name, given)
}

export function givenFunction<Call>(name: string, given: unknown): Call {
  // A string here may well be the token itself, which must not appear in a log.
  if (typeof given !== 'function')
    throw invalid(name, 'a function', given, typeof given === 'string' ? 'a string' : undefined)
  return given as Call
}

/** An object with these methods: a protocol, a signal, or a replaced part of the environment. */
export function seam<Part, Default = undefined>(otherwise: Default, ...methods: readonly string[]) {
  return option<Part, Default>(
    otherwise,
    (given) => isObject(given) && methods.every((method) => typeof given[method] === 'function'),
    () => explain`an object with ${methods.map((method) => `${method}()`).join(', ')}`,
  )
}

export function invalid(option: string, must: string, was: unknown, shownAs = shown(was)): LiveSocketError {
  return new LiveSocketError('invalid', `${option} must be ${must}; it was ${shownAs}.`)
}

/** Enough of a value to find the mistake, and too little to reveal a secret. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 24 || /[?@]/.test(value) ? 'a string' : JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
