/** What a leg tells of its beginning and end, each at most once. */
export interface Arrival {
  /** From which it came. */
  readonly address: string
  /** Its hello has come. */
  said(): void
  welcomed(): void
  /** It is being closed. */
  ending(): void
  gone(): void
}
