/** What a connection reports about its beginning and its end, each at most once. */
export interface Arrival {
  /** The address that the connection comes from. */
  readonly address: string
  /** Its `hello` has arrived. */
  said(): void
  welcomed(): void
  /** It is being closed. */
  ending(): void
  gone(): void
}
