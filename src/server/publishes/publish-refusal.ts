import type { LiveSocketError } from '../../base/errors.js'
import { MAX_ID, MAX_WORDS } from '../../protocol/fields.js'
import { numberOf, textOf } from '../bounds.js'
import type { Nack } from '../log/topic-log.js'

/**
 * Thrown by `onPublish`: the client gets a `nack` with that code (1 to 128 characters) and message (at most 4,096).
 * With `retryAfter`, in milliseconds and at most an hour, the refusal is not final: the application may try anew. What
 * is out of these bounds is cut to them or left out, and `onError` is told.
 */
export class PublishRefused extends Error {
  override readonly name = 'PublishRefused'
  readonly code: string
  readonly retryAfter?: number

  constructor(code: string, message: string, retryAfter?: number) {
    super(message)
    this.code = code
    if (retryAfter !== undefined) this.retryAfter = retryAfter
  }
}

/**
 * What the client is told where the application refused its publish. What clients could not read is cut or left out, so
 * that there is an answer all the same; `problem` is for the operator then.
 */
export function refusalFrame({
  code,
  message,
  retryAfter,
}: PublishRefused): Nack & { readonly retryAfter?: number; readonly problem: LiveSocketError | null } {
  let problem: LiveSocketError | null = null
  const checked = <Value>(check: () => Value, otherwise: Value): Value => {
    try {
      return check()
    } catch (error) {
      problem ??= error as LiveSocketError
      return otherwise
    }
  }
  const frame: Nack = {
    type: 'nack',
    code: checked(() => textOf('PublishRefused.code', code, MAX_ID, 1), 'refused'),
    message: checked(() => textOf('PublishRefused.message', message, MAX_WORDS), String(message).slice(0, MAX_WORDS)),
  }
  // Up, so that nobody is too early.
  const later =
    retryAfter === undefined
      ? undefined
      : checked(() => numberOf('PublishRefused.retryAfter', Math.ceil(retryAfter)), 1_000)
  return { ...frame, ...(later === undefined ? undefined : { retryAfter: later }), problem }
}
