import { systemClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import { TimerHeap } from './timer-heap.js'

/** A clock that stands still until the test advances it. */
export interface SimulatedClock extends Clock {
  /**
   * Advances time by `ms` milliseconds: runs what falls due on the way in order, timers set by timers included, and
   * between them lets promises and pending real tasks finish. Resolves when time has arrived and everything is quiet;
   * rejects then with the first error that a timer threw. Calls that overlap run one after the other.
   */
  advance(ms: number): Promise<void>
  /** Lets promises and pending real tasks finish, and runs what is due at this very moment. Time stands still. */
  flush(): Promise<void>
  /** Milliseconds until the next timer is due, or `null` when there is none. */
  next(): number | null
  /** How many timers are set. */
  readonly pending: number
  /** The machine sleeps for `ms`: the wall clock goes on, the monotonic clock and the timers do not. */
  sleep(ms: number): void
  /** Somebody sets the wall clock, to milliseconds since 1970. */
  setWall(wall: number): void
}

const FRAME = 16

/** 2030-01-01T00:00:00Z: a date that no test takes for the real one. */
const DEFAULT_START = 1_893_456_000_000

/** Tasks at one moment beyond which a loop of zero timers is taken for endless. */
const MOST_AT_ONCE = 50_000

/** Creates a simulated clock whose wall time is `start`, in milliseconds since 1970 (default: the first of 2030). */
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
  // A cancelled timer is skipped when it comes up.
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
      // Between timers of one moment promises run, as they do between tasks; real timers run before time goes on.
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
    // Sums of times differ in their last digits: what is due at one moment is due at one number.
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

/** A number that time can go on by: with another one a test would wait for nothing, or for ever. */
function time(ms: number): number {
  if (!Number.isFinite(ms)) throw new LiveSocketError('invalid', `A simulated clock takes milliseconds, and not ${ms}.`)
  return ms
}

/**
 * Waits for the zero timers that code under test may have set for real: reconnecting-websocket waits for one before
 * each dial. Timers of one length fire in the order in which they were set, so ours is always the last of those set
 * before it. The turn at the end leaves the timer's task: browsers make timers that are set by timers set by timers
 * wait 4 ms.
 */
async function settle() {
  await turn()
  await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, 0))
  await turn()
}

/**
 * Jest and Vitest fake timers with sinon's, which leaves its clock on what it replaces; `node:test` with a method of its
 * own, bound.
 */
function timersAreFake(): boolean {
  const timer = Reflect.get(globalThis, 'setTimeout') as object & { readonly name: string }
  return Object.hasOwn(timer, 'clock') || timer.name.startsWith('bound #')
}

/** One turn of the event loop that is not a timer's: every promise that can go on has gone on before it ends. */
function turn() {
  return new Promise<void>((resolve) => {
    // jsdom has none, and Jest gives it none: a timer does as well, and takes longer.
    if (typeof MessageChannel !== 'function') return void systemClock.setTimeout(resolve, 0)
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(null)
  })
}
