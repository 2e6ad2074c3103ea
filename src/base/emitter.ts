export interface Emitter<Events> {
  /** Calls `listener` for every event of that type; returns the undo. */
  on<Type extends keyof Events>(type: Type, listener: (event: Events[Type]) => void): () => void
  /** Whether anybody listens. */
  emit<Type extends keyof Events>(type: Type, event: Events[Type]): boolean
}

/**
 * Listeners are told in the order in which they came. One that throws stops nobody: `onThrow` gets what it threw.
 * A listener added or removed while an event is being told counts from the next event on.
 */
export function createEmitter<Events>(onThrow: (thrown: unknown, type: keyof Events) => void): Emitter<Events> {
  const listeners = new Map<keyof Events, Set<{ call: (event: never) => void }>>()
  return {
    on(type, listener) {
      const entry = { call: listener as (event: never) => void }
      const all = listeners.get(type) ?? new Set()
      listeners.set(type, all.add(entry))
      return () => void all.delete(entry)
    },
    emit(type, event) {
      const entries = [...(listeners.get(type) ?? [])]
      for (const entry of entries) {
        try {
          entry.call(event as never)
        } catch (thrown) {
          onThrow(thrown, type)
        }
      }
      return entries.length > 0
    },
  }
}
