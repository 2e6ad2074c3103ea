import { LiveSocketError } from '../../base/errors.js'

/** Redis cannot be reached: nothing was done. */
export function away(retryAfter = 1_000, cause?: unknown): LiveSocketError {
  return new LiveSocketError('refused', 'Redis cannot be reached: nothing was done, and it may be tried again.', {
    retryAfter,
    cause,
  })
}

/** The connection died with the command under way: nobody knows whether Redis ran it. */
export function brokenOff(cause?: unknown): LiveSocketError {
  return new LiveSocketError(
    'outcome-unknown',
    'The connection to Redis broke before its answer: it is unknown whether this was applied.',
    { cause },
  )
}

/**
 * Errors that Redis answers before it runs anything: see redis.io on error prefixes. If the first write of one of our
 * scripts succeeds, the others do as well.
 */
const NOTHING_DONE = [
  'OOM',
  'LOADING',
  'READONLY',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
  'BUSY',
  'MISCONF',
  'NOREPLICAS',
  'NOSCRIPT',
  'NOAUTH',
  'NOPERM',
  'WRONGPASS',
]

/** The first word of an error reply of Redis, such as `MOVED`. */
export function replyCode(error: unknown): string {
  return error instanceof Error ? (/^-?([A-Z]{2,})\b/.exec(error.message)?.[1] ?? '') : ''
}

/** The error for a command that Redis answered with an error. */
export function refusedBy(error: unknown): LiveSocketError {
  const text = error instanceof Error ? error.message : String(error)
  if (NOTHING_DONE.some((code) => text.includes(`${code} `)))
    return new LiveSocketError('refused', `Redis refused it: ${text}`, { retryAfter: 1_000, cause: error })
  return new LiveSocketError('outcome-unknown', `Redis failed: ${text}`, { cause: error })
}

/**
 * Why Redis cannot be used, in words for an operator, without an address or a secret. Redis's own words are in the
 * error's cause.
 */
export function troubleOf(error: unknown): string {
  const cause = error instanceof LiveSocketError && error.cause !== undefined ? error.cause : error
  const code = replyCode(cause)
  const text = cause instanceof Error ? cause.message : ''
  if (code === 'WRONGPASS' || /invalid (username-password|password)/i.test(text))
    return 'Redis refuses the user name or the password'
  if (cause instanceof NoMaster) return cause.message
  if (code === 'NOAUTH') return 'Redis wants a password, and was given none'
  if (/without any password configured/.test(text)) return 'Redis has no password, and was given one'
  if (code === 'NOPERM') return 'the ACL of Redis forbids a command that is needed'
  if (code === 'READONLY') return 'this Redis is a replica: give the address of the master, or the sentinels'
  if (['LOADING', 'MASTERDOWN', 'CLUSTERDOWN', 'MOVED', 'ASK', 'TRYAGAIN'].includes(code))
    return `Redis cannot be used yet: ${code}`
  if (code === 'OOM') return 'Redis has no memory left'
  if (code === 'MISCONF') return 'Redis cannot write to its disk'
  if (code === 'NOREPLICAS') return 'Redis has fewer replicas than it was told to write with'
  if (code !== '') return `Redis answers ${code}`
  const network =
    (cause as { code?: unknown } | null)?.code ??
    (cause instanceof AggregateError ? (cause.errors[0] as { code?: unknown } | undefined)?.code : undefined)
  return typeof network === 'string' ? `no connection to Redis: ${network}` : 'no connection to Redis'
}

/** The sentinels answer, and know no such master. */
export class NoMaster extends Error {
  constructor(name: string) {
    super(`the sentinels know no master called ${name}`)
  }
}
