import { LiveSocketError, type LiveSocketErrorCode, type LiveSocketErrorDetails } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import type { NackFrame } from '../protocol/frames.js'
import type { Unserialisable } from '../protocol/json.js'

/** What is to be said to the server, or was; or what it answered. */
export interface Said {
  readonly type: 'publish' | 'request' | 'answer' | 'signal' | 'presence'
  readonly id?: string
  readonly topic?: string
  readonly method?: string
  readonly n?: number | undefined
}

/** Why that was not done, or may not have been, as far as this client can tell. */
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

/** The codes of a server that are ours too. */
const OWN = ['outcome-unknown', 'forbidden', 'too-large'] as const

/** What the server says of it, in its own words. */
export function refusal(
  { code, message, data, retryAfter }: Omit<NackFrame, 'type' | 'id'>,
  { id, topic }: LiveSocketErrorDetails = {},
): LiveSocketError {
  const kind = OWN.find((own) => own === code) ?? 'refused'
  return new LiveSocketError(kind, message || code, { topic, id, reason: code, data, retryAfter })
}
