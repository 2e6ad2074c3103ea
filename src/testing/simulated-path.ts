import type { Clock } from '../base/clock.js'

/** One direction of one connection. What goes in comes out in order, `delay` later, each piece in a task of its own. */
export interface SimulatedPath {
  carry(deliver: () => void): void
  /** A dead path: nothing comes out until `thaw`, and neither end is notified. */
  freeze(): void
  thaw(): void
  /** Discards what is under way, and everything sent later. */
  cut(): void
  readonly frozen: boolean
}

/** @param delay called for each piece; returns milliseconds. */
export function createSimulatedPath(clock: Clock, delay: () => number): SimulatedPath {
  const queue: { due: number; deliver: () => void }[] = []
  let last = 0
  let frozen = false
  let isCut = false
  let cancel: (() => void) | null = null

  function arm() {
    const head = queue[0]
    if (!head || frozen || cancel) return
    cancel = clock.setTimeout(() => {
      cancel = null
      queue.shift()
      head.deliver()
      arm()
    }, head.due - clock.monotonic())
  }

  return {
    carry(deliver) {
      if (isCut) return
      last = Math.max(last, clock.monotonic() + Math.max(0, delay()))
      queue.push({ due: last, deliver })
      arm()
    },
    freeze() {
      frozen = true
      cancel?.()
      cancel = null
    },
    thaw() {
      frozen = false
      // What was sent into the dead path is transmitted again.
      last = clock.monotonic() + Math.max(0, delay())
      for (const piece of queue) piece.due = Math.max(piece.due, last)
      arm()
    },
    cut() {
      isCut = true
      queue.length = 0
      cancel?.()
      cancel = null
    },
    get frozen() {
      return frozen
    },
  }
}
