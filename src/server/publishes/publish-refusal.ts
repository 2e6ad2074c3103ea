import type { LiveSocketError } from '../../base/errors.js'
import { MAX_ID, MAX_WORDS } from '../../protocol/fields.js'
import { numberOf, textOf } from '../bounds.js'
import type { PublishRefused } from '../options.js'
import type { Nack } from '../log/topic-log.js'

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
