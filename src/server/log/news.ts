/** What one server tells the others of its log: it is for those that are there now, and kept for nobody. */
export type News = SignalNews

/** A signal that one of its clients, or the server itself, sent. */
export interface SignalNews {
  readonly type: 'signal'
  /** The same wherever it is told. */
  readonly id: string
  readonly topic: string
  /** JSON text. */
  readonly data: string
  /** Whose legs are left out. Absent: it is the server's own. */
  readonly session?: string
  /** Who is told to have sent it. */
  readonly by?: unknown
}

/** One server among those that share a log. */
export interface NewsChannel {
  /** Tells the others, soon. What cannot be told goes to the log's own `onError`. */
  tell(news: News): void
  leave(): void
}
