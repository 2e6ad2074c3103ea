/** A server library with one topic that every leg subscribes to. */
export interface ServerKind {
  listen(): Promise<{ readonly port: number }>
  /** Sends to every leg, as fast as the library can. */
  publish(data: unknown): unknown
}

/** What a leg says to such a server. There is no client library, because clients are not measured here. */
export interface LegWords {
  readonly path: string
  readonly protocols: readonly string[]
  /** The first text, once the socket is open. */
  hello?(leg: string): string
  /** Whether the leg is ready after this text, or the leg's answer to it. */
  hear(text: string): 'ready' | 'message' | { readonly answer: string } | null
}
