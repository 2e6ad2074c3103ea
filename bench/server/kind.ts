/** A server library, with one topic that every leg is in. */
export interface ServerKind {
  listen(): Promise<{ readonly port: number }>
  /** To every leg; as fast as the library takes it. */
  publish(data: unknown): unknown
}

/** What a leg says to such a server, without a client library: that is not what is measured. */
export interface LegWords {
  readonly path: string
  readonly protocols: readonly string[]
  /** Said once it is open. */
  hello?(leg: string): string
  /** Whether the leg is ready after this text, or what it answers. */
  hear(text: string): 'ready' | 'message' | { readonly answer: string } | null
}
