import { LiveSocketError, type LiveSocketErrorCode, type LiveSocketErrorDetails } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import type { NackFrame } from '../protocol/frames.js'
import type { Unserialisable } from '../protocol/json.js'

/** What an error is about: something sent to the server, or about to be, or the server's answer. */
export interface Said {
  readonly type: 'publish' | 'request' | 'answer' | 'signal' | 'presence'
  readonly id?: string
  readonly topic?: string
  readonly method?: string
  readonly n?: number | undefined
}

/** The error for something that did not happen, or may not have, as far as this client can tell. */
export function failure(
  { type, id, topic, method }: Said,
  code: LiveSocketErrorCode,
  why: string,
  cause?: unknown,
): LiveSocketError {
  return new LiveSocketError(code, explain`${type} "${topic ?? method}": ${why}`, { topic, id, cause })
}

export function unsendable(said: Said, { invalid, cause }: Unserialisable): LiveSocketError {
  return failure(said, 'invalid', explain`its data cannot be sent: ${invalid}`, cause)
}

/** The server's codes that are also codes of `LiveSocketError`. */
const OWN = ['outcome-unknown', 'forbidden', 'too-large'] as const

/** The error for a server's refusal, in the server's own words. */
export function refusal(
  { code, message, data, retryAfter }: Omit<NackFrame, 'type' | 'id'>,
  { id, topic }: LiveSocketErrorDetails = {},
): LiveSocketError {
  const kind = OWN.find((own) => own === code) ?? 'refused'
  return new LiveSocketError(kind, message || code, { topic, id, reason: code, data, retryAfter })
}
