import type { Clock } from '../../src/base/clock.js'

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
  // A binary heap by due time, then by the order in which they were set.
  const heap: Timer[] = []
  const before = (a: Timer, b: Timer) => a.due < b.due || (a.due === b.due && a.order < b.order)

  function push(timer: Timer) {
    let at = heap.push(timer) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (before(heap[parent]!, timer)) break
      heap[at] = heap[parent]!
      at = parent
    }
    heap[at] = timer
  }

  function pop() {
    const last = heap.pop()!
    if (heap.length === 0) return
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && before(heap[child + 1]!, heap[child]!)) child++
      if (before(last, heap[child]!)) break
      heap[at] = heap[child]!
      at = child
    }
    heap[at] = last
  }

  function setTimer(task: () => void, delay: number): () => void {
    const timer: Timer = { due: now + Math.max(0, delay), order: order++, task }
    push(timer)
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
      for (let first = heap[0]; first && first.due <= end; first = heap[0]) {
        pop()
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
