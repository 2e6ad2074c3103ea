/**
 * Counted since the session began: over its legs and over a `close()`, until `signOut()` or the session's end, from
 * which on all of them count for the next one.
 */
export interface LiveSocketStats {
  /** Message frames that came in, on any leg. */
  readonly received: number
  /** Messages that were told to the application. */
  readonly delivered: number
  /** Dropped because the other leg had brought them. */
  readonly duplicates: number
  /** Held back, for a moment, because an earlier one was missing. */
  readonly held: number
  /** Gaps that were told. */
  readonly gaps: number
  /** Planned handovers that were finished. */
  readonly handovers: number
  /** Times that nothing served and a dial made it live again. */
  readonly reconnects: number
  /** Publishes that were applied. */
  readonly published: number
  /** The longest time between two messages in a row, ms. */
  readonly longestSilence: number
}
