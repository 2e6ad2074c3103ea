import type { Simulation } from 'livesocket/testing'
import { useSyncExternalStore } from 'react'

/**
 * A simulation stands still until its story's play function has run it to the state that the story promises, so that a
 * test does not depend on the speed of the machine. After that it follows real time for the reader.
 */
const released = new WeakSet<Simulation>()
const listeners = new Set<() => void>()

export function release(sim: Simulation): void {
  released.add(sim)
  for (const listener of listeners) listener()
}

function subscribe(listener: () => void) {
  listeners.add(listener)
  return () => void listeners.delete(listener)
}

export function useReleased(sim: Simulation | undefined): boolean {
  return useSyncExternalStore(subscribe, () => sim !== undefined && released.has(sim))
}
