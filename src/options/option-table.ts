import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

/** Makes of what was given under that name what is worked with, its default included; throws `invalid`. */
type Rule<Value> = (name: string, given: unknown) => Value

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
 * Reads an object of options by its table, each of them once. `name` is where it stands, empty for the options
 * themselves.
 */
export function readOptions<Rules extends Table>(table: Rules, given: unknown, name = ''): Read<Rules> {
  const known = given === undefined && defaults.get(table)
  if (known) return known as Read<Rules>
  const own = section(name, given)
  // A copy of the table has its shape, which all that is read by it share.
  const read: Record<string, unknown> = { ...table }
  for (const [option, rule] of Object.entries(table)) {
    const path = name === '' ? option : `${name}.${option}`
    read[option] = typeof rule === 'function' ? rule(path, own[option]) : readOptions(rule, own[option], path)
  }
  if (given === undefined) defaults.set(table, read)
  return read as Read<Rules>
}

/** What a table reads where nothing was given. */
const defaults = new WeakMap<Table, unknown>()

/**
 * What an object of options says, copied: own properties only, since what somebody put on Object.prototype is no option
 * of ours.
 */
export function section(name: string, given: unknown): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>
  if (given === undefined) return copy
  if (!isObject(given) || Array.isArray(given))
    throw invalid(name || 'options', name === 'heartbeat' ? 'an object or false' : 'an object', given)
  let option = ''
  try {
    for (option of Object.keys(given)) copy[option] = given[option]
  } catch (thrown) {
    throw unreadable([name, option].filter((part) => part !== '').join('.') || 'options', thrown)
  }
  return copy
}

/** Milliseconds. `otherwise` is what an option that was not given counts as. */
export function duration<Default>(otherwise: Default, least = 1, most = LONGEST): Rule<number | Default> {
  return (name, given) => {
    if (given === undefined) return otherwise
    if (typeof given !== 'number' || !(given >= least && given <= most))
      throw invalid(name, explain`a number of milliseconds from ${least} to ${most}`, given)
    return given
  }
}

export function count(otherwise: number): Rule<number> {
  return (name, given) => {
    if (given === undefined) return otherwise
    if (typeof given !== 'number' || !Number.isInteger(given) || given < 1 || given > LARGEST)
      throw invalid(name, explain`a whole number from 1 to ${LARGEST}`, given)
    return given
  }
}

export function fraction(name: string, given: unknown): number | undefined {
  if (given !== undefined && !(typeof given === 'number' && given > 0 && given <= 1))
    throw invalid(name, explain`a fraction of the lifetime, above 0 and at most 1`, given)
  return given
}

export function optionalFunction<Call>(name: string, given: unknown): Call | undefined {
  // A string here may well be the token itself, which nobody is to read in a log.
  if (given !== undefined && typeof given !== 'function')
    throw invalid(name, 'a function', given, typeof given === 'string' ? 'a string' : undefined)
  return given as Call | undefined
}

/** A part of the environment that somebody replaced: an object with these methods. */
export function seam<Part>(...methods: readonly string[]): Rule<Part | undefined> {
  return (name, given) => {
    if (given === undefined) return undefined
    const missing = isObject(given)
      ? reading(name, () => methods.filter((method) => typeof given[method] !== 'function'))
      : methods
    if (missing.length > 0)
      throw invalid(
        name,
        explain`an object with ${methods.map((method) => `${method}()`).join(', ')}`,
        given,
        isObject(given) ? explain`one without ${missing.join(', ')}` : undefined,
      )
    return given as Part
  }
}

/** What `read` gives; an object of the application may throw when it is looked at. */
export function reading<Result>(name: string, read: () => Result): Result {
  try {
    return read()
  } catch (thrown) {
    throw thrown instanceof LiveSocketError ? thrown : unreadable(name, thrown)
  }
}

function unreadable(name: string, cause: unknown): LiveSocketError {
  return new LiveSocketError('invalid', explain`${name} could not be read: it threw.`, { cause })
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
