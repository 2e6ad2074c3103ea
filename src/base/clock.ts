/**
 * The one door to time and randomness. Everything that waits, measures or draws takes a `Clock` and a `Random`,
 * so that a test can be the clock.
 */
export interface Clock {
  /** Wall time in milliseconds since 1970. It jumps when somebody sets the clock, and runs on in sleep. */
  now(): number
  /** Milliseconds since some start. It never goes back, and on most systems stands still in sleep. */
  monotonic(): number
  /** Runs `task` once after `delay` milliseconds, however long that is; returns the undo. */
  setTimeout(task: () => void, delay: number): () => void
  /**
   * Runs `task` once, as soon as what has arrived by now (frames of a socket, messages of other tabs) has been told;
   * returns the undo. No timer, and so never put off in a hidden tab. A clock without it has nothing that arrives
   * unread: `task` runs in its turn.
   */
  settled?(task: () => void): () => void
  /** Runs `task` when the code that runs now has returned: until then time stands still. Absent: it never does. */
  turn?(task: () => void): void
  /** Runs `task` once before the next paint, or within 250 ms where nothing is painted; returns the undo. */
  frame(task: () => void): () => void
}

/** Uniform in [0, 1), as `Math.random`. */
export type Random = () => number

/** A moment on both clocks, so that sleep and a clock that was set can be told apart from time that passed. */
export interface Instant {
  readonly wall: number
  readonly monotonic: number
}

export function instant(clock: Clock): Instant {
  return { wall: clock.now(), monotonic: clock.monotonic() }
}

/**
 * Milliseconds since `start`: the larger of what the two clocks say, never negative. The monotonic clock misses sleep
 * and the wall clock may have been set back; each covers for the other, and an error makes things early, not late.
 */
export function since(clock: Clock, start: Instant): number {
  return between(start, instant(clock))
}

/** The same, up to a moment that was read already. */
export function between(start: Instant, end: Instant): number {
  return Math.max(0, end.wall - start.wall, end.monotonic - start.monotonic)
}

/**
 * The present moment for whom it concerns with each frame: both clocks are read once in every millisecond of the wall
 * clock, and whoever looks within the same one gets the same object. Frames that come faster than that are no reason to
 * read a clock again before the code that brings them has returned.
 */
export class Present {
  /** When `look` was called last. No clock is read before that. */
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

/** Timers take a signed 32-bit number; past it browsers and Node fire at once. */
const LONGEST_TIMER = 2 ** 31 - 1

/**
 * A timer or a look that comes so late means that the program stood still, ms: whatever was awaited may have arrived
 * meanwhile, and lie unread behind it. Visible pages are late by milliseconds.
 */
export const STOOD_STILL = 50

/** How long a frame may be late before a timer takes its place: a hidden page is never painted. */
const LATEST_FRAME = 250

/** The platform's clock as it is: for `Deadlines`, which look again where a timer comes too early, or late. */
export const platformClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout(task, delay) {
    // Whole, or timers would run a moment early.
    const timer = setTimeout(task, Math.min(Math.ceil(delay), LONGEST_TIMER))
    return () => clearTimeout(timer)
  },
  settled: afterRounds,
  // No fake timers put this off.
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
 * The clock of whoever has no `Deadlines`: it waits for however long it is told, and who wakes up late first hears what
 * has arrived.
 */
export const systemClock: Clock = /* @__PURE__ */ Object.assign({}, platformClock, {
  setTimeout(task: () => void, delay: number) {
    // Whole, or timers would run a moment early.
    const wanted = delay > 0 ? Math.ceil(delay) : 0
    /** What no timer runs for so far; null when all of it has one. */
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
      // It may find that there is nothing left to ring for.
      else stopSettling = afterRounds(task)
    }
    ring()
    return () => {
      clearTimeout(timer)
      stopSettling?.()
    }
  },
} satisfies Partial<Clock>)

/** Rounds of the event loop: one reads a socket, and what it read may be told in the next. */
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
 * In Node `setImmediate` comes after what has been read. In a page a message to oneself queues behind what is there,
 * and no hidden tab delays it.
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
 * What waits for the next paint. Whichever of them is woken first runs them all: what they change in many places of a
 * page is then one render.
 */
const frameTasks = new Set<{ readonly task: () => void; readonly cancel: () => void }>()

function runFrameTasks() {
  for (const entry of [...frameTasks]) {
    // One before it may have cancelled it.
    if (!frameTasks.has(entry)) continue
    entry.cancel()
    try {
      entry.task()
    } catch (thrown) {
      // As uncaught as it would be alone; the others run.
      setTimeout(() => {
        throw thrown
      })
    }
  }
}

export const systemRandom: Random = () => Math.random()
