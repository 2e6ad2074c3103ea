import { instant, since, type Clock, type Instant } from './clock.js'

/** A stretch of time that is looked at, not waited for: it rings no alarm. Milliseconds. */
export interface Period {
  /** From `from`, by default from now. */
  start(length: number, from?: Instant): void
  /** Never shortens one that runs. */
  extend(length: number): void
  stop(): void
  /** Started and not stopped; it may be over. */
  readonly running: boolean
  /** What is left of it; 0 when it is over or was never started. */
  readonly left: number
}

export function createPeriod(clock: Clock): Period {
  let period: { readonly from: Instant; readonly length: number } | null = null
  const left = () => (period ? Math.max(0, period.length - since(clock, period.from)) : 0)
  const start = (length: number, from = instant(clock)) => void (period = { from, length })
  return {
    start,
    extend(length) {
      if (length > left()) start(length)
    },
    stop: () => void (period = null),
    get running() {
      return period !== null
    },
    get left() {
      return left()
    },
  }
}
