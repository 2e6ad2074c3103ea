import { numberOf } from '../bounds.js'
import type { DedupeLimits } from './publish-record.js'
import type { HistoryLimits } from './topic-history.js'

/** How much a log keeps of each topic, and for how long it recognises a repeated publish. */
export interface LogLimits {
  readonly history: HistoryLimits
  readonly dedupe: DedupeLimits
}

/** The limits with defaults filled in. Throws `invalid` for a value that is not a number within its bounds. */
export function logLimits({
  history,
  dedupe,
}: {
  readonly history?: Partial<HistoryLimits>
  readonly dedupe?: Partial<DedupeLimits>
}): LogLimits {
  return {
    history: {
      maxMessages: numberOf('history.maxMessages', history?.maxMessages),
      maxBytes: numberOf('history.maxBytes', history?.maxBytes),
      maxAge: numberOf('history.maxAge', history?.maxAge),
    },
    dedupe: {
      window: numberOf('dedupe.window', dedupe?.window),
      maxIds: numberOf('dedupe.maxIds', dedupe?.maxIds),
    },
  }
}
