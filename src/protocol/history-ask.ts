import { MAX_EPOCH, MAX_TOPIC } from './fields.js'
import type { HistoryAsk } from './own-methods.js'

/** The most messages in one answer: a longer history is paged. */
export const MOST_MESSAGES = 1_000

/**
 * The checked request for history, with its limit reduced to what one answer has; or a text that says what is wrong
 * with the request.
 */
export function historyAsk(data: unknown): HistoryAsk | string {
  const { topic, limit, before = null } = (data ?? {}) as Record<string, unknown>
  if (typeof topic !== 'string' || topic === '' || topic.length > MAX_TOPIC)
    return `a topic is a string of 1 to ${MAX_TOPIC} characters`
  if (!Number.isSafeInteger(limit) || (limit as number) < 1) return 'limit must be a whole number from 1'
  const ask = { topic, limit: Math.min(limit as number, MOST_MESSAGES) }
  if (before === null) return ask
  const { epoch, offset } = before as Record<string, unknown>
  if (typeof epoch !== 'string' || epoch === '' || epoch.length > MAX_EPOCH || !Number.isSafeInteger(offset))
    return 'before must be a position { epoch, offset }'
  return { ...ask, before: { epoch, offset: offset as number } }
}
