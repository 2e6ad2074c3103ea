/** Messages that are missing and will not come. */
export interface Gap {
  readonly topic: string
  /** The epoch that the offsets, and what follows, belong to. */
  readonly epoch: string
  /** The first and the last missing offset, inclusive; null where that is unknown. */
  readonly from: number | null
  readonly to: number | null
  /**
   * The log no longer had them (`trimmed`), its numbering started over (`epoch`), or the server skipped them (`lost`).
   */
  readonly reason: 'trimmed' | 'epoch' | 'lost'
}
