import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

/** The longest time that anybody can mean: what is longer is a mistake in the unit. 400 days, in milliseconds. */
const LONGEST = 34_560_000_000

/** The largest number of messages or bytes that anybody can mean. */
const LARGEST = 2 ** 31 - 1

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/**
 * What an object of options says, copied: own properties only, since what somebody put on Object.prototype is no option
 * of ours, and each is read once. `name` is where it stands, empty for the options themselves.
 */
export function ownOptions(value: object, name = ''): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>
  let key = ''
  try {
    for (key of Object.keys(value)) copy[key] = (value as Record<string, unknown>)[key]
  } catch (thrown) {
    throw unreadable([name, key].filter((part) => part !== '').join('.') || 'options', thrown)
  }
  return copy
}

export function section(options: Record<string, unknown>, name: string): Record<string, unknown> {
  const value = options[name]
  if (value === undefined) return Object.create(null) as Record<string, unknown>
  if (!isObject(value) || Array.isArray(value))
    throw invalid(name, name === 'heartbeat' ? 'an object or false' : 'an object', value)
  return ownOptions(value, name)
}

export function duration(name: string, value: unknown, otherwise: number, least: number, most = LONGEST): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw invalid(name, explain`a number of milliseconds from ${least} to ${most}`, value)
  return value
}

export function count(name: string, value: unknown, otherwise: number): number {
  if (value === undefined) return otherwise
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > LARGEST)
    throw invalid(name, `a whole number from 1 to ${LARGEST}`, value)
  return value
}

export function optionalFunction(name: string, value: unknown): unknown {
  // A string here may well be the token itself, which nobody is to read in a log.
  if (value !== undefined && typeof value !== 'function')
    throw invalid(name, 'a function', value, typeof value === 'string' ? 'a string' : undefined)
  return value
}

/** A part of the environment that somebody replaced. */
export function seam(name: string, value: unknown, methods: readonly string[]): unknown {
  if (value === undefined) return value
  const missing = isObject(value)
    ? reading(`environment.${name}`, () => methods.filter((method) => typeof value[method] !== 'function'))
    : methods
  if (missing.length > 0)
    throw invalid(
      `environment.${name}`,
      `an object with ${methods.map((method) => `${method}()`).join(', ')}`,
      value,
      isObject(value) ? `one without ${missing.join(', ')}` : undefined,
    )
  return value
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
