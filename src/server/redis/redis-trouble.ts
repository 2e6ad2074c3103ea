import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { LogStatus } from '../log/topic-log.js'
import { troubleOf } from './redis-failure.js'

/** What keeps this node from Redis, reported once for each kind as long as it lasts. */
export interface RedisTrouble {
  readonly status: LogStatus
  /** The connection to Redis is lost. */
  begin(error: unknown): void
  /** Another try has failed. */
  again(error: unknown): void
  /** Reports something else that an operator should know, once until Redis is there. */
  tell(error: LiveSocketError, kind?: string): void
  over(): void
}

/** The most kinds that are reported. */
const MOST_TOLD = 8

export function createRedisTrouble(clock: Clock, onError: (error: unknown, doing: string) => void): RedisTrouble {
  let now: { readonly words: string; readonly since: number } | null = {
    words: 'not connected to Redis yet',
    since: -Infinity,
  }
  const told = new Set<string>()

  function tell(error: LiveSocketError, kind = error.message) {
    if (told.has(kind) || told.size >= MOST_TOLD) return
    told.add(kind)
    onError(error, 'connecting to Redis')
  }

  return {
    get status(): LogStatus {
      return now ? { ready: false, reason: now.words, away: clock.monotonic() - now.since } : { ready: true }
    },
    begin(error) {
      now = { words: troubleOf(error), since: clock.monotonic() }
      onError(error, 'talking to Redis')
    },
    again(error) {
      const words = troubleOf(error)
      now = { words, since: now?.since ?? clock.monotonic() }
      tell(new LiveSocketError('refused', `${words}. The connection is retried.`, { cause: error }), words)
    },
    tell,
    over() {
      now = null
      told.clear()
    },
  }
}
