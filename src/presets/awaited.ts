/**
 * More answers than this are never waited for; some servers leave calls unanswered, and those are told as such
 * elsewhere.
 */
const MOST = 10_000

/** What a leg waits for or has seen, by a name; at the bound the oldest is forgotten. */
export function awaited<Value>(): Map<string, Value> {
  return new (class extends Map<string, Value> {
    override set(name: string, value: Value) {
      if (this.size >= MOST) this.delete(this.keys().next().value!)
      return super.set(name, value)
    }
  })()
}

/** For a server that delivers at least once, and names what it sends: whether this leg brings it for the first time. */
export function firstTime(): (name: string) => boolean {
  const seen = awaited<true>()
  return (name) => {
    const first = !seen.has(name)
    if (first) seen.set(name, true)
    return first
  }
}
