/** What one server tells the other servers of its log. Only servers that are connected at that moment get it. */
export type News = SignalNews | OrderNews

/** A signal that one of its clients, or the server itself, sent. */
export interface SignalNews {
  readonly type: 'signal'
  /** The same on every server. */
  readonly id: string
  readonly topic: string
  /** JSON text. */
  readonly data: string
  /** The session whose own legs do not get it. Absent: the server itself sent the signal. */
  readonly session?: string
  /** The sender, as receivers are told. */
  readonly by?: unknown
}

/** Sessions, on whichever servers their legs are. */
export type SessionName = { readonly subject: string } | { readonly session: string }

/** An order about sessions: each server carries it out for those that it has. */
export type OrderNews =
  | { readonly type: 'end'; readonly match: SessionName; readonly reason: string }
  | { readonly type: 'renew'; readonly match: SessionName; readonly within: number }
  | { readonly type: 'offer'; readonly match: SessionName; readonly token: string; readonly tokenTtl?: number }

/** One server's connection to the others that share its log. */
export interface NewsChannel {
  /** Tells the others, soon. Rejects if they could not be told. */
  tell(news: News): Promise<void>
  leave(): void
}
