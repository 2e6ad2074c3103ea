import { systemClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { TimerHeap } from './timer-heap.js'

/** A clock whose time passes only when the test advances it. */
export interface SimulatedClock extends Clock {
  /**
   * Advances time by `ms` milliseconds. It runs what falls due meanwhile, in order, including timers that are set by
   * timers; between timers it lets promises and pending real tasks finish. Resolves when all of this is done, or
   * rejects then with the first error that a timer threw. Overlapping calls run one after the other.
   */
  advance(ms: number): Promise<void>
  /** Lets promises and pending real tasks finish, and runs what is due now, without advancing time. */
  flush(): Promise<void>
  /** Milliseconds until the next timer is due; `null` if there is none. */
  next(): number | null
  /** How many timers are set. */
  readonly pending: number
  /** The machine sleeps for `ms` milliseconds: the wall clock advances, the monotonic clock and the timers do not. */
  sleep(ms: number): void
  /** Sets the wall clock, to milliseconds since 1970, as a user may. */
  setWall(wall: number): void
}

const FRAME = 16

/** 2030-01-01T00:00:00Z: a date that nobody mistakes for the real one. */
const DEFAULT_START = 1_893_456_000_000

/** More tasks than this without time passing count as an endless loop of zero timers. */
const MOST_AT_ONCE = 50_000

/**
 * Creates a simulated clock whose wall time is `start`, in milliseconds since 1970. Default: the first of January 2030.
 */
export function createSimulatedClock(start: number = DEFAULT_START): SimulatedClock {
  interface Timer {
    readonly due: number
    readonly order: number
    readonly task: () => void
  }
  let elapsed = 0
  let wallAhead = start
  let order = 0
  let running: Promise<void> = Promise.resolve()
  // A cancelled timer stays in the heap and is skipped when it is due.
  const heap = new TimerHeap<Timer>()
  const live = new Set<Timer>()

  function first(): Timer | undefined {
    while (heap.first && !live.has(heap.first)) heap.pop()
    return heap.first
  }

  function set(task: () => void, due: number) {
    const timer: Timer = { due, order: order++, task }
    live.add(timer)
    heap.push(timer)
    return () => void live.delete(timer)
  }

  async function runTo(target: number) {
    let thrown: { error: unknown } | undefined
    let atOnce = 0
    await settle()
    for (;;) {
      const timer = first()
      if (!timer || timer.due > target) break
      if (timer.due > elapsed) atOnce = 0
      elapsed = Math.max(elapsed, timer.due)
      if (++atOnce > MOST_AT_ONCE)
        throw new Error(
          `more than ${MOST_AT_ONCE} timers ran without time passing: a timer of 0 ms sets itself again for ever`,
        )
      live.delete(timer)
      try {
        timer.task()
      } catch (error) {
        thrown ??= { error }
      }
      // Between timers of the same time promises run, as they do between tasks. Real timers run before time advances.
      await turn()
      const following = first()
      if (!following || following.due > elapsed) await settle()
    }
    elapsed = target
    await settle()
    if (thrown) throw thrown.error
  }

  function queue(ms: number) {
    if (timersAreFake())
      return Promise.reject(
        new Error(
          'a simulation has a clock of its own, and waits for real timers of 0 ms: call vi.useRealTimers(), jest.useRealTimers() or mock.timers.reset() in this test',
        ),
      )
    const run = running.then(() => runTo(elapsed + ms))
    running = run.catch(() => undefined)
    return run
  }

  return {
    now: () => wallAhead + elapsed,
    monotonic: () => elapsed,
    // Rounded, because sums of times differ in their last digits: what is due at the same time must have the same
    // number.
    setTimeout: (task, delay) => set(task, Math.round((elapsed + (delay > 0 ? delay : 0)) * 1e6) / 1e6),
    settled: (task) => set(task, elapsed),
    frame: (task) => set(task, (Math.floor(elapsed / FRAME) + 1) * FRAME),
    advance: async (ms) => queue(Math.max(0, time(ms))),
    flush: () => queue(0),
    next() {
      const timer = first()
      return timer ? Math.max(0, timer.due - elapsed) : null
    },
    get pending() {
      return live.size
    },
    sleep: (ms) => void (wallAhead += time(ms)),
    setWall: (wall) => void (wallAhead = time(wall) - elapsed),
  }
}

/** Checks the number: with any other value a test would wait for nothing, or for ever. */
function time(ms: number): number {
  if (!Number.isFinite(ms)) throw new LiveSocketError('invalid', `A simulated clock takes milliseconds, and not ${ms}.`)
  return ms
}

/**
 * Waits for zero timers that the code under test may have set for real: reconnecting-websocket waits for one before
 * each dial. Timers of the same length fire in the order in which they were set, so ours fires after those set before
 * it. The turn at the end leaves the timer's task, because browsers delay timers that are set within nested timers by 4
 * ms.
 */
async function settle() {
  await turn()
  await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, 0))
  await turn()
}

/**
 * Jest and Vitest fake timers with sinon's, which leaves a `clock` on what it replaces. `node:test` uses a bound method
 * of its own.
 */
function timersAreFake(): boolean {
  const timer = Reflect.get(globalThis, 'setTimeout') as object & { readonly name: string }
  return Object.hasOwn(timer, 'clock') || timer.name.startsWith('bound #')
}

/** One turn of the event loop that is not a timer's: every promise that can continue has continued before it ends. */
function turn() {
  return new Promise<void>((resolve) => {
    // jsdom has no MessageChannel, and Jest does not add one. A timer works too, and takes longer.
    if (typeof MessageChannel !== 'function') return void systemClock.setTimeout(resolve, 0)
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
