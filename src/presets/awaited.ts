/** A leg never waits for more answers than this. Some servers leave calls unanswered; the outbox settles those. */
const MOST = 10_000

/** What a leg waits for or has seen, by name. At the bound the oldest entry is forgotten. */
export function awaited<Value>(): Map<string, Value> {
  return new (class extends Map<string, Value> {
    override set(name: string, value: Value) {
      if (this.size >= MOST) this.delete(this.keys().next().value!)
      return super.set(name, value)
    }
  })()
}

/**
 * For a server that delivers at least once and names what it sends: tells whether this leg brings a name for the first
 * time.
 */
export function firstTime(): (name: string) => boolean {
  const seen = awaited<true>()
  return (name) => {
    const first = !seen.has(name)
    if (first) seen.set(name, true)
    return first
  }
}
