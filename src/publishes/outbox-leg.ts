/** The active leg or the old one, and which answers it owes. */
export interface OutboxLeg {
  readonly number: number
  maxFrame: number
  /** How many entries are unanswered on it. */
  owed: number
  /**
   * By topic, the last publish that the application gave up while this leg owed its answer. The server may still be
   * about to apply it, so after a cutover it holds back newer ones, as any unanswered publish does. One per topic is
   * enough, since a server answers a topic's publishes in the order of arrival.
   */
  readonly abandoned: Map<string, string>
  /** Newer publishes need not wait for its answers any more. */
  passed: boolean
}
