import type { LogStatus } from './log/topic-log.js'

/**
 * Milliseconds that a log may be away before new connections are sent elsewhere. A failover takes some seconds, and all
 * nodes see it at the same time. If the balancer removed them all, nobody would be left to tell clients when to come
 * back.
 */
const LOG_GRACE = 10_000

/**
 * The answer to a readiness check: `ready`, or why not. A log that was never reached has no grace period, so that a
 * deploy with a wrong password stops here.
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
