import type { Clock } from '../../src/base/clock.js'
import { TimerHeap } from '../../src/testing/timer-heap.js'

/**
 * A clock that runs timers synchronously when it is advanced, without promises and without the event loop. It is for
 * searches that run worlds by the thousand, and for fleets with a million timers. The clock of `livesocket/testing`
 * instead lets promises and real zero timers finish between two timers, and one of its milliseconds takes several turns
 * of the event loop.
 */
export interface StepClock extends Clock {
  /** Milliseconds until the next timer is due, or null if there is none. */
  next(): number | null
  /** Advances to the next timer and runs it. There must be one. */
  runNext(): void
  /** Advances by `ms` milliseconds and runs the timers that fall due, in order. */
  advance(ms: number): void
  /** How many timers are set. */
  readonly pending: number
}

export interface StepClockOptions {
  /** Whether animation frames come, 16 ms after they were requested. Default: yes. */
  readonly frames?: boolean
}

const FRAME = 16

interface Timer {
  readonly due: number
  readonly order: number
  /** Null once the task has run or was cancelled, so that what it held can be collected before the entry comes up. */
  task: (() => void) | null
}

export function createStepClock({ frames = true }: StepClockOptions = {}): StepClock {
  const heap = new TimerHeap<Timer>()
  let now = 0
  let order = 0
  let pending = 0

  function set(task: () => void, delay: number): () => void {
    const timer: Timer = { due: now + Math.max(0, delay), order: order++, task }
    heap.push(timer)
    pending++
    return () => {
      if (timer.task) pending--
      timer.task = null
    }
  }

  function first(): Timer | undefined {
    while (heap.first && !heap.first.task) heap.pop()
    return heap.first
  }

  function run(timer: Timer) {
    heap.pop()
    pending--
    now = Math.max(now, timer.due)
    const task = timer.task!
    timer.task = null
    task()
  }

  return {
    now: () => now,
    monotonic: () => now,
    setTimeout: set,
    settled: (task) => set(task, 0),
    frame: (task) => (frames ? set(task, FRAME) : () => undefined),
    next() {
      const timer = first()
      return timer ? timer.due - now : null
    },
    runNext: () => run(first()!),
    advance(ms) {
      const end = now + ms
      for (let timer = first(); timer && timer.due <= end; timer = first()) run(timer)
      now = end
    },
    get pending() {
      return pending
    },
  }
}
