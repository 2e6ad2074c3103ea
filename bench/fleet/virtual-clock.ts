import type { Clock } from '../../src/base/clock.js'
import { TimerHeap } from '../../src/testing/timer-heap.js'

/** Virtual time for the product's own parts: a million timers cost what they cost to sort, and nothing waits. */
export interface VirtualClock extends Clock {
  /** Runs what falls due within so many ms, in its order. */
  run(ms: number): void
  readonly pending: number
}

interface Timer {
  readonly due: number
  readonly order: number
  task: (() => void) | null
}

export function createVirtualClock(): VirtualClock {
  let now = 0
  let order = 0
  let pending = 0
  const heap = new TimerHeap<Timer>()

  function setTimer(task: () => void, delay: number): () => void {
    const timer: Timer = { due: now + Math.max(0, delay), order: order++, task }
    heap.push(timer)
    pending++
    return () => {
      if (timer.task) pending--
      timer.task = null
    }
  }

  return {
    now: () => now,
    monotonic: () => now,
    setTimeout: setTimer,
    frame: (task) => setTimer(task, 16),
    run(ms) {
      const end = now + ms
      for (let first = heap.first; first && first.due <= end; first = heap.first) {
        heap.pop()
        if (!first.task) continue
        now = first.due
        pending--
        const { task } = first
        first.task = null
        task()
      }
      now = end
    },
    get pending() {
      return pending
    },
  }
}
