/** What one server tells the others of its log: it is for those that are there now, and kept for nobody who comes later. */
export type News = SignalNews | OrderNews

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

/** Sessions, wherever their legs are. */
export type SessionName = { readonly subject: string } | { readonly session: string }

/** What is to become of sessions: each server does it to those that it has. */
export type OrderNews =
  | { readonly type: 'end'; readonly match: SessionName; readonly reason: string }
  | { readonly type: 'renew'; readonly match: SessionName; readonly within: number }
  | { readonly type: 'offer'; readonly match: SessionName; readonly token: string; readonly tokenTtl?: number }

/** One server among those that share a log. */
export interface NewsChannel {
  /** Tells the others, soon. Rejects where they could not be told. */
  tell(news: News): Promise<void>
  leave(): void
}
