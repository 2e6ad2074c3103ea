/** The newest messages, the oldest of them first. Every message makes another object with the same array. */
export interface MessageLog<Entry> {
  readonly kept: Entry[]
}

/**
 * Adds an entry and keeps at least the newest `limit` entries. The cost does not grow with the limit, because the array
 * is shared: the former log gets the entry too, but nothing reads it any more. A fold has only one state, and React
 * shows that.
 */
export function appendTo<Entry>(log: MessageLog<Entry> | null, entry: Entry, limit: number): MessageLog<Entry> {
  const kept = log?.kept ?? []
  if (kept.push(entry) >= 2 * limit) kept.splice(0, kept.length - limit)
  return { kept }
}
