/**
 * The only access to time and randomness. All code that waits, measures or draws takes a `Clock` and a `Random`, so
 * that a test can control both.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970. It jumps when the system clock is set, and keeps running during sleep. */
  now(): number
  /**
   * Milliseconds since an arbitrary start. The value never goes back, and on most systems stands still during sleep.
   */
  monotonic(): number
  /** Runs `task` once after `delay` milliseconds, however long that is; returns the undo. */
  setTimeout(task: () => void, delay: number): () => void
  /**
   * Runs `task` once, as soon as everything that has already arrived (socket frames, messages from other tabs) has been
   * delivered; returns the undo. It uses no timer, so a hidden tab does not delay it. A clock without this method has
   * no undelivered input, and callers run `task` directly.
   */
  settled?(task: () => void): () => void
  /**
   * Runs `task` when the code that is running has returned; until then time stands still. Absent: time never stands
   * still.
   */
  turn?(task: () => void): void
  /** Runs `task` once before the next paint, or within 250 ms where nothing is painted; returns the undo. */
  frame(task: () => void): () => void
}

/** Uniform in [0, 1), like `Math.random`. */
export type Random = () => number

/** A moment on both clocks, so that sleep, or a wall clock that was set, can be told apart from elapsed time. */
export interface Instant {
  readonly wall: number
  readonly monotonic: number
}

export function instant(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() }
}

/**
 * Milliseconds since `start`: the larger of the two clocks' differences, never negative. The monotonic clock misses
 * sleep, and the wall clock may have been set back, so each covers for the other. An error makes things early, not
 * late.
 */
export function since(clock: Clock, start: Instant): number {
  return between(start, instant(clock))
}

/** The same, up to a moment that was already read. */
export function between(start: Instant, end: Instant): number {
  return Math.max(0, end.wall - start.wall, end.monotonic - start.monotonic)
}

/**
 * The current time for code that needs it with every frame. Both clocks are read once per millisecond of the wall
 * clock, and all calls within that millisecond get the same object. While frames arrive faster than that, no clock is
 * read again until the code that delivers them has returned.
 */
export class Present {
  /** The result of the last `look`. No clock is read before the first call. */
  at: Instant = { wall: NaN, monotonic: NaN }
  readonly #clock: Clock
  #still = false

  constructor(clock: Clock) {
    this.#clock = clock
  }

  look(): Instant {
    if (this.#still) return this.at
    const wall = this.#clock.now()
    if (wall !== this.at.wall) this.at = { wall, monotonic: this.#clock.monotonic() }
    else if (this.#clock.turn) {
      this.#still = true
      this.#clock.turn(() => {
        this.#still = false
      })
    }
    return this.at
  }
}

/** Timers take a signed 32-bit number of milliseconds; above it browsers and Node fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * A timer or check that is late by this much, in ms, means that the program stood still: whatever was awaited may have
 * arrived meanwhile and be waiting, undelivered, behind the timer. In a visible page timers are late by milliseconds
 * only.
 */
export const STOOD_STILL = 50

/** The longest wait for a frame, in ms, before a timer replaces it: a hidden page is never painted. */
const LATEST_FRAME = 250

/** The platform's clock, for `Deadlines`, which checks again when a timer fires too early or too late. */
export const platformClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(task, delay) {
    // Whole, or timers would run a moment early.
    const timer = setTimeout(task, Math.min(Math.ceil(delay), LONGEST_TIMER))
    return () => clearTimeout(timer)
  },
  settled: afterRounds,
  // Fake timers do not delay this.
  turn: (task) => void Promise.resolve().then(task),
  frame(task) {
    const entry = { task, cancel }
    frameTasks.add(entry)
    const painted = typeof requestAnimationFrame === 'function' && typeof document === 'object' && !document.hidden
    const frame = painted ? requestAnimationFrame(runFrameTasks) : undefined
    const timer = setTimeout(runFrameTasks, painted ? LATEST_FRAME : 16)
    function cancel() {
      frameTasks.delete(entry)
      clearTimeout(timer)
      if (frame !== undefined) cancelAnimationFrame(frame)
    }
    return cancel
  },
}

/**
 * The clock for code without `Deadlines`. It waits for any length of time, and a timer that fires late first lets what
 * has arrived be delivered.
 */
export const systemClock: Clock = /* @__PURE__ */ Object.assign({}, platformClock, {
  setTimeout(task: () => void, delay: number) {
    // Whole, or timers would run a moment early.
    const wanted = delay > 0 ? Math.ceil(delay) : 0
    /** The rest of the delay that no timer covers yet; null when a timer covers all of it. */
    let rest: number | null = wanted
    let timer: ReturnType<typeof setTimeout>
    let stopSettling: (() => void) | undefined
    const start = instant(platformClock)
    const ring = () => {
      if (rest !== null) {
        const part = Math.min(rest, LONGEST_TIMER)
        rest = rest > part ? rest - part : null
        timer = setTimeout(ring, part)
      } else if (since(platformClock, start) - wanted < STOOD_STILL) task()
      // What has arrived may cancel the task.
      else stopSettling = afterRounds(task)
    }
    ring()
    return () => {
      clearTimeout(timer)
      stopSettling?.()
    }
  },
} satisfies Partial<Clock>)

/** Rounds of the event loop: one round reads a socket, and what it read may be delivered in the next. */
const ROUNDS = 3

function afterRounds(task: () => void): () => void {
  let cancel = nextRound(round)
  let rounds = 1
  function round() {
    if (rounds++ >= ROUNDS) return task()
    cancel = nextRound(round)
  }
  return () => cancel()
}

/**
 * In Node `setImmediate` runs after the input that has been read. In a page, a message posted to oneself queues behind
 * the messages that are already there, and a hidden tab does not delay it.
 */
function nextRound(task: () => void): () => void {
  if (typeof setImmediate === 'function') {
    const immediate = setImmediate(task)
    return () => clearImmediate(immediate)
  }
  if (typeof MessageChannel !== 'function') {
    const timer = setTimeout(task)
    return () => clearTimeout(timer)
  }
  const { port1, port2 } = new MessageChannel()
  const done = () => port1.close()
  port1.onmessage = () => {
    done()
    task()
  }
  port2.postMessage(null)
  return done
}

/**
 * The tasks that wait for the next paint. The first of their frames or timers to fire runs all of them, so that their
 * changes in many places of a page become one render.
 */
const frameTasks = new Set<{ readonly task: () => void; readonly cancel: () => void }>()

function runFrameTasks() {
  for (const entry of [...frameTasks]) {
    // A task before this one may have cancelled it.
    if (!frameTasks.has(entry)) continue
    entry.cancel()
    try {
      entry.task()
    } catch (thrown) {
      // The error is uncaught, as it would be for a single task; the other tasks still run.
      setTimeout(() => {
        throw thrown
      })
    }
  }
}

export const systemRandom: Random = () => Math.random()
