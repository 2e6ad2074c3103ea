/**
 * The first `end` of `kept`. Logs that grew out of one another share the array, of which nothing before their end ever
 * changes.
 */
export interface MessageLog<Entry> {
  readonly kept: readonly Entry[]
  readonly end: number
}

export const emptyLog: MessageLog<never> = { kept: [], end: 0 }

/**
 * The log with one more entry; of those before it at least `limit − 1` stay. Its price does not grow with the limit.
 */
export function appendTo<Entry>({ kept, end }: MessageLog<Entry>, entry: Entry, limit: number): MessageLog<Entry> {
  const grows = end > 0 && end === kept.length && end < 2 * limit
  const entries = grows ? (kept as Entry[]) : kept.slice(Math.max(0, end - limit + 1), end)
  return { kept: entries, end: entries.push(entry) }
}

export function lastOf<Entry>({ kept, end }: MessageLog<Entry>, limit: number): readonly Entry[] {
  return kept.slice(Math.max(0, end - limit), end)
}
