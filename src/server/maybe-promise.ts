import { invalid } from '../base/invalid.js'

/** A value, or a promise of it. */
export type MaybePromise<Value> = Value | Promise<Value>

export function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}

/**
 * What a function answered that has to answer at once. Throws `invalid` for a promise: it would pass for a yes, and
 * nobody would hear it reject, which ends a process.
 */
export function atOnce<Value>(name: string, answer: Value): Value {
  if (!isPromise(answer)) return answer
  Promise.resolve(answer).catch(() => undefined)
  throw invalid(`${name} must answer at once, and gave a promise`)
}
