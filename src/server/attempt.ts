import type { Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { isPromise, type MaybePromise } from './maybe-promise.js'

/** The application's function did not answer in time. */
export class TooLong extends LiveSocketError {}

/**
 * Calls a function of the application and waits at most `patience` milliseconds. Past that the result is `TooLong`, and
 * `controller` is aborted.
 */
export async function attempt<Value>(
  { clock, patience }: { readonly clock: Clock; readonly patience: number },
  overdue: string,
  call: () => MaybePromise<Value>,
  controller?: AbortController,
): Promise<{ value: Value } | { thrown: unknown }> {
  let cancel: () => void = () => undefined
  try {
    const asked = call()
    if (!isPromise(asked)) return { value: asked }
    const tooLong = new Promise<never>((_, reject) => {
      cancel = clock.setTimeout(() => reject(new TooLong('timeout', `${overdue}, ${patience} ms`)), patience)
    })
    return { value: await Promise.race([asked, tooLong]) }
  } catch (thrown) {
    if (thrown instanceof TooLong) controller?.abort(thrown)
    return { thrown }
  } finally {
    cancel()
  }
}
