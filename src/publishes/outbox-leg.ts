/** A leg that serves, or did, and what it owes. */
export interface OutboxLeg {
  readonly number: number
  maxFrame: number
  /** How many entries are unanswered on it. */
  owed: number
  /**
   * The last publish of each topic that the application has given up since: the server may still be about to apply it,
   * so after a cutover it holds back newer ones as any unanswered one does. One is enough: a server answers a topic's in
   * the order of arrival.
   */
  readonly abandoned: Map<string, string>
  /** Newer ones need not wait for its answers any more. */
  passed: boolean
}
