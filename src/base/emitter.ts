/**
 * Listeners are called in the order in which they were added. If one throws, the others are still called, and `onThrow`
 * receives the error. A listener added or removed during an event counts from the next event on.
 */
export class Emitter<Events> {
  readonly #onThrow: (thrown: unknown, type: keyof Events) => void
  #listeners: Map<keyof Events, Set<{ readonly call: (event: never) => void }>> | null = null

  constructor(onThrow: (thrown: unknown, type: keyof Events) => void) {
    this.#onThrow = onThrow
  }

  /** Calls `listener` for every event of that type; returns the undo. */
  on<Type extends keyof Events>(type: Type, listener: (event: Events[Type]) => void): () => void {
    const entry = { call: listener as (event: never) => void }
    this.#listeners ??= new Map()
    const all = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, all.add(entry))
    return () => {
      if (all.delete(entry) && all.size === 0) this.#listeners!.delete(type)
    }
  }

  /** Calls the listeners. Returns whether there was one. */
  emit<Type extends keyof Events>(type: Type, event: Events[Type]): boolean {
    const entries = [...(this.#listeners?.get(type) ?? [])]
    for (const entry of entries) {
      try {
        entry.call(event as never)
      } catch (thrown) {
        this.#onThrow(thrown, type)
      }
    }
    return entries.length > 0
  }
}
