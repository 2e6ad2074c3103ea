import { LiveSocketError } from '../../base/errors.js'

/** Redis is not there: nothing was done. */
export function away(retryAfter = 1_000, cause?: unknown): LiveSocketError {
  return new LiveSocketError('refused', 'Redis cannot be reached: nothing was done, and it may be tried anew.', { retryAfter, cause })
}

/** The connection died with the command on its way: whether Redis ran it nobody knows. */
export function brokenOff(cause?: unknown): LiveSocketError {
  return new LiveSocketError('outcome-unknown', 'The connection to Redis broke before its answer: whether this was applied cannot be told.', { cause })
}

/** What Redis answers before it runs anything: see redis.io on error prefixes. Our scripts' first write fails, or none does. */
const NOTHING_DONE = ['OOM', 'LOADING', 'READONLY', 'MASTERDOWN', 'CLUSTERDOWN', 'TRYAGAIN', 'MOVED', 'ASK', 'BUSY', 'MISCONF', 'NOREPLICAS', 'NOSCRIPT', 'NOAUTH', 'NOPERM', 'WRONGPASS']

/** The first word of an error reply of Redis, such as `MOVED`. */
export function replyCode(error: unknown): string {
  return error instanceof Error ? (/^-?([A-Z]{2,})\b/.exec(error.message)?.[1] ?? '') : ''
}

/** What became of a command that Redis answered with an error. */
export function refusedBy(error: unknown): LiveSocketError {
  const text = error instanceof Error ? error.message : String(error)
  if (NOTHING_DONE.some((code) => text.includes(`${code} `))) return new LiveSocketError('refused', `Redis refused it: ${text}`, { retryAfter: 1_000, cause: error })
  return new LiveSocketError('outcome-unknown', `Redis failed: ${text}`, { cause: error })
}
