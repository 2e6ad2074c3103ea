import type { LogStatus } from './log/topic-log.js'

/**
 * How long a log that was there may be away before new connections are sent elsewhere. A failover takes some seconds,
 * and all nodes go through it together: were they all taken out of the balancer for it, nobody would be left to say
 * when to come back.
 */
const LOG_GRACE = 10_000

/**
 * What a readiness check is told: `ready`, or why not. A log that has never been there has no grace: a deploy with a
 * wrong password stops here.
 */
export function readinessOf({
  draining,
  log,
}: {
  readonly draining: boolean
  readonly log: LogStatus | undefined
}): string {
  if (draining) return 'draining'
  if (log === undefined || log.ready || log.away < LOG_GRACE) return 'ready'
  return `log away: ${log.reason}`
}
