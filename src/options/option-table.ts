import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

/** Makes of what was given under that name what is worked with, its default included; throws `invalid`. */
export type Rule<Value> = (name: string, given: unknown) => Value

/** What options there are: a rule for each, and a table for each that is an object of options itself. */
export interface Table {
  readonly [option: string]: Rule<unknown> | Table
}

export type Read<Rules> = {
  -readonly [Option in keyof Rules]: Rules[Option] extends Rule<infer Value> ? Value : Read<Rules[Option]>
}

/** The longest time that anybody can mean: what is longer is a mistake in the unit. 400 days, in milliseconds. */
const LONGEST = 34_560_000_000

/** The largest number of messages or bytes that anybody can mean. */
const LARGEST = 2 ** 31 - 1

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * Reads an object of options by its table, each of them once, and own ones only: what somebody put on Object.prototype
 * is no option of ours. `name` is where it stands, empty for the options themselves.
 */
export function readOptions<Rules extends Table>(table: Rules, given: unknown, name = ''): Read<Rules> {
  const known = given === undefined && defaults.get(table)
  if (known) return known as Read<Rules>
  if (given !== undefined && (!isObject(given) || Array.isArray(given)))
    throw invalid(name || 'options', 'an object', given)
  // A copy of the table has its shape, which all that is read by it share.
  const read: Record<string, unknown> = { ...table }
  for (const [option, rule] of Object.entries(table)) {
    const path = name === '' ? option : `${name}.${option}`
    try {
      const own = isObject(given) && Object.hasOwn(given, option) ? given[option] : undefined
      read[option] = typeof rule === 'function' ? rule(path, own) : readOptions(rule, own, path)
    } catch (thrown) {
      // An object of the application may throw when it is looked at.
      throw thrown instanceof LiveSocketError
        ? thrown
        : new LiveSocketError('invalid', explain`${path} could not be read: it threw.`, { cause: thrown })
    }
  }
  if (given === undefined) defaults.set(table, read)
  return read as Read<Rules>
}

/** What a table reads where nothing was given. */
const defaults = new WeakMap<Table, unknown>()

/**
 * An object of whatever names, each of which goes by the one rule; undefined where none was given. One that is named and
 * not there is a mistake, such as a name that no module exports: it goes by the rule as null.
 */
export function eachBy<Value>(rule: Rule<Value>): Rule<ReadonlyMap<string, Value> | undefined> {
  return (name, given) => {
    if (given === undefined) return undefined
    const there: Rule<Value> = (path, own) => rule(path, own ?? null)
    const table = Object.fromEntries(Object.keys(given ?? {}).map((key) => [key, there]))
    return new Map(Object.entries(readOptions(table, given, name)))
  }
}

/** `otherwise` is what an option that was not given counts as. */
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

/** Milliseconds. */
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
  // A string here may well be the token itself, which nobody is to read in a log.
  if (typeof given !== 'function')
    throw invalid(name, 'a function', given, typeof given === 'string' ? 'a string' : undefined)
  return given as Call
}

/** An object with these methods: a protocol, a signal, a part of the environment that somebody replaced. */
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

/** Enough of a value to find the mistake, and never so much that a secret could be in it. */
function shown(value: unknown): string {
  if (typeof value === 'string') return value.length > 24 || /[?@]/.test(value) ? 'a string' : JSON.stringify(value)
  if (typeof value === 'number' || typeof value === 'boolean' || value === undefined || value === null)
    return String(value)
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
