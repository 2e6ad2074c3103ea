import { instant, Present, STOOD_STILL, type Clock, type Instant } from './clock.js'

/** A deadline with less than this left, in ms, is due: sums of times differ in their last digits. */
const ROUNDING = 1e-6
/** The precision of the wall clock, in ms: its numbers are too large to be more exact. */
const EXACT = 0.001

interface Deadline {
  /** The moment on both clocks. The deadline is due when either clock has reached it, as in `since`. */
  readonly wall: number
  readonly monotonic: number
  readonly task: () => void
}

/**
 * The clock that all parts of one live socket share. However much they wait for, the platform has a single timer, set
 * for the first deadline. A timer that runs late (hidden tab, sleep) does no harm: `ringDue` checks again. Before late
 * deadlines fire, everything that arrived meanwhile is delivered, which may cancel them; this class does that for all
 * parts.
 */
export class Deadlines implements Clock {
  readonly present: Present
  readonly #clock: Clock
  /** Usually only a few deadlines, so each change makes a new array of exactly that length. */
  #waiting: readonly Deadline[] = []
  /**
   * When the platform's timer fires, on the monotonic clock. This is never after the first deadline, but may be before
   * it, for a deadline that has been undone.
   */
  #timer: { readonly at: number; readonly cancel: () => void } | null = null
  /** Late deadlines wait until what has arrived is delivered. */
  #settling = false
  #ringing = false

  constructor(clock: Clock) {
    this.#clock = clock
    this.present = new Present(clock)
  }

  now(): number {
    return this.#clock.now()
  }

  monotonic(): number {
    return this.#clock.monotonic()
  }

  turn(task: () => void): void {
    if (this.#clock.turn) this.#clock.turn(task)
    else task()
  }

  frame(task: () => void): () => void {
    return this.#clock.frame(task)
  }

  setTimeout(task: () => void, delay: number): () => void {
    const now = instant(this)
    // A deadline that is set again because of a rounding error must be measurably later than now.
    const wanted = delay > 0 ? Math.max(delay, EXACT) : 0
    const deadline = { wall: now.wall + wanted, monotonic: now.monotonic + wanted, task }
    this.#waiting = this.#waiting.concat(deadline)
    this.#arm(now, wanted)
    return () => this.#undo(deadline)
  }

  /**
   * Fires what is due: at once, or, if it is so late that the program must have stood still, after what arrived
   * meanwhile has been delivered. Called when a frame arrives, since frames are never throttled as timers are, and when
   * the page wakes.
   */
  ringDue(): void {
    if (this.#settling) return
    const now = instant(this)
    const first = this.#left(now)
    if (first >= ROUNDING) return this.#arm(now, first)
    if (first > -STOOD_STILL || !this.#clock.settled) return this.#ring()
    this.#disarm()
    this.#settling = true
    const cancel = this.#clock.settled(() => {
      this.#disarm()
      this.#ring()
    })
    this.#timer = { at: now.monotonic, cancel }
  }

  #undo(deadline: Deadline) {
    this.#waiting = this.#waiting.filter((other) => other !== deadline)
    // A timer without a deadline would keep a Node process running.
    if (this.#waiting.length === 0) this.#disarm()
  }

  /** Milliseconds to the first deadline, negative if it has passed. */
  #left(now: Instant): number {
    let least = Infinity
    for (const deadline of this.#waiting) least = Math.min(least, left(deadline, now))
    return least
  }

  /** A task may undo another deadline that is also due. Deadlines that a task sets wait for the next run. */
  #ring() {
    const now = instant(this)
    const due = this.#waiting.filter((deadline) => left(deadline, now) < ROUNDING)
    const outer = this.#ringing
    this.#ringing = true
    try {
      for (const deadline of due.sort((a, b) => a.monotonic - b.monotonic)) {
        if (!this.#waiting.includes(deadline)) continue
        this.#undo(deadline)
        deadline.task()
      }
    } finally {
      this.#ringing = outer
      this.#arm(instant(this))
    }
  }

  #arm(now: Instant, first = this.#left(now)) {
    if (this.#settling || this.#ringing) return
    if (this.#timer) {
      // An overdue timer has slept, and would sleep on for the rest of its time.
      if (this.#timer.at >= now.monotonic && this.#timer.at <= now.monotonic + first) return
      this.#disarm()
      first = this.#left(now)
    }
    if (first === Infinity) return
    const delay = Math.max(0, first)
    const cancel = this.#clock.setTimeout(() => {
      this.#timer = null
      this.ringDue()
    }, delay)
    this.#timer = { at: now.monotonic + delay, cancel }
  }

  #disarm() {
    this.#timer?.cancel()
    this.#timer = null
    this.#settling = false
  }
}

function left({ wall, monotonic }: Deadline, now: Instant): number {
  const byWall = wall - now.wall
  const rest = monotonic - now.monotonic
  return byWall < rest - EXACT ? byWall : rest
}
