import type { LiveSocketError } from '../base/errors.js'
import { MAX_ID, MAX_WORDS } from '../protocol/fields.js'
import { serialise } from '../protocol/json.js'
import { LONGEST_REFUSAL, numberOf, textOf } from './bounds.js'
import { invalid } from '../base/invalid.js'

/**
 * Throw it in `authorize` to refuse; `PublishRefused` and `RequestRefused` extend it. The client's error has `reason`
 * (1 to 128 characters), the message (at most 4,096) and `data` (at most 64 KiB as JSON). With `retryAfter`, in
 * milliseconds and at most an hour, the refusal is not final: the application may try again. Values beyond these bounds
 * are cut or left out, and `onError` is told. A number given as `data` without a fourth argument is `retryAfter`.
 */
export class Refused extends Error {
  override readonly name: string = 'Refused'
  readonly reason: string
  readonly data?: unknown
  readonly retryAfter?: number

  constructor(reason: string, message: string, data?: unknown, retryAfter?: number) {
    super(message)
    this.reason = reason
    const later = retryAfter ?? (typeof data === 'number' ? data : undefined)
    if (later !== undefined) this.retryAfter = later
    if (data !== undefined && (typeof data !== 'number' || retryAfter !== undefined)) this.data = data
  }
}

export interface Refusal {
  readonly type: 'nack'
  readonly code: string
  readonly message: string
  readonly data?: unknown
  readonly retryAfter?: number
}

/**
 * The frame for a client whose frame the application refused. Values that clients could not read are cut or left out,
 * so that there is an answer in any case; `problem` then tells the operator.
 */
export function refusalFrame({ name, reason, message, data, retryAfter }: Refused): {
  readonly refusal: Refusal
  readonly problem: LiveSocketError | null
} {
  let problem: LiveSocketError | null = null
  const checked = <Value>(check: () => Value, otherwise: Value): Value => {
    try {
      return check()
    } catch (error) {
      problem ??= error as LiveSocketError
      return otherwise
    }
  }
  const sayable = () => {
    const text = serialise(data)
    if ('invalid' in text) throw invalid(`${name}.data cannot be sent: ${text.invalid}`)
    if (text.json.length > LONGEST_REFUSAL)
      throw invalid(`${name}.data must have at most ${LONGEST_REFUSAL} characters as JSON, not ${text.json.length}`)
    return { data: JSON.parse(text.json) as unknown }
  }
  const refusal: Refusal = {
    type: 'nack',
    code: checked(() => textOf(`${name}.reason`, reason, MAX_ID, 1), 'refused'),
    message: checked(() => textOf(`${name}.message`, message, MAX_WORDS), String(message).slice(0, MAX_WORDS)),
    ...(data === undefined ? undefined : checked(sayable, undefined)),
    ...(retryAfter === undefined
      ? undefined
      : // Rounded up, so that nobody comes too early.
        { retryAfter: checked(() => numberOf('Refused.retryAfter', Math.ceil(retryAfter)), 1_000) }),
  }
  return { refusal, problem }
}
