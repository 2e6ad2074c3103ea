/** A value, or a promise of it. */
export type MaybePromise<Value> = Value | Promise<Value>

export function isPromise<Value>(value: Value | PromiseLike<Value>): value is PromiseLike<Value> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
