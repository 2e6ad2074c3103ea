/** Messages that are missing and will not come. */
export interface Gap {
  readonly topic: string
  /** The epoch of these offsets and of the messages that follow. */
  readonly epoch: string
  /** The first and the last missing offset, inclusive; null if unknown. */
  readonly from: number | null
  readonly to: number | null
  /**
   * `trimmed`: the log had already discarded them. `epoch`: its numbering started over. `lost`: the server skipped
   * them.
   */
  readonly reason: 'trimmed' | 'epoch' | 'lost'
}
