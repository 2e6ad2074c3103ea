import { invalid } from '../base/invalid.js'

/** A value, or a promise of one. */
export type MaybePromise<Value> = Value | Promise<Value>

export function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/**
 * The answer of a function that must answer synchronously. Throws `invalid` for a promise: it would count as true, and
 * its rejection would be unhandled, which ends the process.
 */
export function atOnce<Value>(name: string, answer: Value): Value {
  if (!isPromise(answer)) return answer
  Promise.resolve(answer).catch(() => undefined)
  throw invalid(`${name} must answer at once, but returned a promise`)
}
