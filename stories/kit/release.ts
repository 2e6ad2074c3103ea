import type { Simulation } from 'livesocket/testing'
import { useSyncExternalStore } from 'react'

/**
 * A simulation stands still until its story's play function has brought it to where it promises something: what a test
 * sees must not depend on how fast the machine is. After that it follows real time, for whoever looks at it.
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
