/** The newest messages, the oldest of them first. Another object, of the same array, for every message. */
export interface MessageLog<Entry> {
  readonly kept: Entry[]
}

/**
 * The log with one more entry; of those before it at least `limit − 1` stay. Its price does not grow with the limit: the
 * former log has it as well, which nobody looks at any more. A fold has one state, and React shows that.
 */
export function appendTo<Entry>(log: MessageLog<Entry> | null, entry: Entry, limit: number): MessageLog<Entry> {
  const kept = log?.kept ?? []
  if (kept.push(entry) >= 2 * limit) kept.splice(0, kept.length - limit)
  return { kept }
}
