/**
 * Counts since the session began. They continue over its legs and over a `close()`; after `signOut()` or the session's
 * end they are those of the next session.
 */
export interface LiveSocketStats {
  /** Message frames received, on any leg. */
  readonly received: number
  /** Messages passed to the application. */
  readonly delivered: number
  /** Messages dropped because the other leg had brought them. */
  readonly duplicates: number
  /** Messages held back for a moment because an earlier one was missing. */
  readonly held: number
  /** Gaps reported to the application. */
  readonly gaps: number
  /** Planned handovers completed. */
  readonly handovers: number
  /** How often no leg served and a dial made the socket live again. */
  readonly reconnects: number
  /** Publishes that the server applied. */
  readonly published: number
  /** The longest time between two consecutive messages, ms. */
  readonly longestSilence: number
}
