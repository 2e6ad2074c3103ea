import { instant, Present, STOOD_STILL, type Clock, type Instant } from './clock.js'

/** Sums of times differ in their last digits: what is left of a deadline that has come, ms. */
const ROUNDING = 1e-6
/** The wall clock's numbers are so large that they are not exact by less, ms. */
const EXACT = 0.001

interface Deadline {
  /** The moment, on both clocks: it has come when either says so, as `since` has it. */
  readonly wall: number
  readonly monotonic: number
  readonly task: () => void
}

/**
 * The clock that the parts of one live socket share: whatever they wait for, the platform has one timer of it, for what
 * comes first. A timer that runs late (a hidden tab, sleep) changes nothing: `ringDue` looks again. And whoever rings
 * late first hears what has arrived meanwhile, which may leave nothing to ring for: that is seen to here, for all of
 * them.
 */
export class Deadlines implements Clock {
  readonly present: Present
  readonly #clock: Clock
  /** Mostly a few: an array of just their number. */
  #waiting: readonly Deadline[] = []
  /**
   * When the platform's timer runs, on the monotonic clock: never after the first deadline, but perhaps before it, for
   * one that was undone.
   */
  #timer: { readonly at: number; readonly cancel: () => void } | null = null
  /** What has arrived is being heard before what is late rings. */
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
    // Whoever looks again because some last digit is missing has to find it later.
    const wanted = delay > 0 ? Math.max(delay, EXACT) : 0
    const deadline = { wall: now.wall + wanted, monotonic: now.monotonic + wanted, task }
    this.#waiting = this.#waiting.concat(deadline)
    this.#arm(now, wanted)
    return () => this.#undo(deadline)
  }

  /**
   * Rings for what has come due: at once, or, where it is so late that the program must have stood still, when what has
   * arrived meanwhile has been heard. Called at arriving frames, which are never throttled as timers are, and when the
   * page wakes.
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
    // Who waits for nothing keeps no program running.
    if (this.#waiting.length === 0) this.#disarm()
  }

  /** Milliseconds to the first deadline, below 0 where it has passed. */
  #left(now: Instant): number {
    let least = Infinity
    for (const deadline of this.#waiting) least = Math.min(least, left(deadline, now))
    return least
  }

  /** One that rings may undo another that is due as well. What it sets waits for the next time. */
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
      // One that is overdue has slept, and would sleep on for the rest of its time.
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
