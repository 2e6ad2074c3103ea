import { createAlarm, type Alarm } from '../base/alarm.js'
import { between, instant, since, type Clock, type Instant } from '../base/clock.js'

/** Detects that one leg has gone silent, and keeps the leg from looking silent to the other side. */
export interface Heartbeat {
  /** A frame has arrived, so the leg is alive. `at`: now. */
  heard(at: Instant): void
  /** A frame was sent. */
  sent(at: Instant): void
  /**
   * Pings now; `timeout` milliseconds without a frame then count as silence. For use after a wake or a change of
   * network.
   */
  probe(timeout: number): void
  stop(): void
}

export interface HeartbeatDeps {
  readonly clock: Clock
  /** Milliseconds without a frame after which the other side is pinged; Infinity: never, except by `probe`. */
  readonly interval: number
  /** Milliseconds that an answer may take. */
  readonly timeout: number
  /** The longest silence that the other side allows this one, in milliseconds; Infinity: any. */
  readonly keepalive: number
}

export interface HeartbeatHandlers {
  /** Must send something that the other side answers at once. */
  ping(): void
  /** A ping was not answered in time. Called once, and again only after a frame has arrived in between. */
  fellSilent(): void
}

/** An unanswered ping. `excused`: its time ran out once already, while the program stood still. */
interface Question {
  readonly at: Instant
  readonly timeout: number
  readonly excused: boolean
}

/**
 * A visible page's timers are late by milliseconds, a hidden page's by a second. Beyond this many milliseconds the
 * program itself stood still.
 */
const LATE = 1_500

/**
 * If timers run later than `LATE`, as with one tick a minute in a tab long in the background, a proxy that cuts idle
 * connections after about that time would race with every tick. So after such a tick the other side's answer is
 * answered with another ping, and so on. The last frame is then some round trips younger than the tick. This many pings
 * at most, and within this many milliseconds.
 */
const ECHOES = 250
const ECHO_FOR = 250

/**
 * Starts at once; `stop` ends it. There is one timer, set for what is due first, and checked again when it fires, so
 * that a frame costs one clock reading and no timer.
 */
export function createHeartbeat(deps: HeartbeatDeps, handlers: HeartbeatHandlers): Heartbeat {
  return new LegHeartbeat(deps, handlers)
}

class LegHeartbeat implements Heartbeat {
  readonly #deps: HeartbeatDeps
  readonly #handlers: HeartbeatHandlers
  #heardAt: Instant
  #sentAt: Instant
  /** After `fellSilent` the question has no end: no new ping is due until a frame arrives. */
  #question: Question | null = null
  #stopped = false
  /** How many answers are still answered with a ping, and since when. */
  #echoes: { left: number; readonly since: Instant } | null = null
  readonly #alarm: Alarm

  constructor(deps: HeartbeatDeps, handlers: HeartbeatHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.#heardAt = this.#sentAt = instant(deps.clock)
    this.#alarm = createAlarm(deps.clock, this.#fire, this)
    this.#arm()
  }

  heard(at: Instant): void {
    const answered = this.#question
    this.#heardAt = at
    this.#question = null
    if (answered) this.#echo(at)
    // Frames arrive on time even where timers run late.
    this.#keepAlive(at)
    if (answered) this.#arm()
  }

  sent(at: Instant): void {
    this.#sentAt = at
  }

  probe(patience: number): void {
    const left = this.#left
    // A series of probes must not postpone the verdict for ever.
    if (this.#question && left > 0 && (left <= patience || left === Infinity)) this.#ping()
    else this.#ask(patience, false)
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#alarm.clear()
  }

  /** Milliseconds left for the answer; Infinity if none is awaited. */
  get #left(): number {
    const question = this.#question
    return question ? question.timeout - this.#since(question.at) : Infinity
  }

  #arm() {
    if (this.#stopped) return
    const { interval, keepalive } = this.#deps
    const asking = this.#question ? this.#left : interval - this.#since(this.#heardAt)
    const delay = Math.max(0, Math.min(asking, keepalive - this.#since(this.#sentAt)))
    const { left } = this.#alarm
    // An overdue timer has slept, and would sleep on for the rest of its time.
    if (left === null || left <= 0 || left > delay) this.#alarm.set(delay)
  }

  #fire(lateness: number) {
    const { interval, timeout, clock } = this.#deps
    const late = lateness > LATE
    const question = this.#question
    this.#echoes = late ? { left: ECHOES, since: instant(clock) } : null
    if (question && this.#left <= 0) {
      // A late timer means that the program stood still (sleep, a frozen page), and the answer may have arrived unread:
      // ping again. Only once: where timers are always late, as in a page long hidden, frames have been read all along.
      if (late && !question.excused) this.#ask(question.timeout, true)
      else {
        this.#question = { ...question, timeout: Infinity }
        this.#handlers.fellSilent()
      }
    } else if (!question && this.#since(this.#heardAt) >= interval) this.#ask(timeout, false)
    this.#keepAlive(instant(clock))
    this.#arm()
  }

  #echo(at: Instant) {
    const echoes = this.#echoes
    if (!echoes) return
    if (--echoes.left < 0 || between(echoes.since, at) > ECHO_FOR) this.#echoes = null
    else this.#ask(this.#deps.timeout, false)
  }

  #ask(timeout: number, excused: boolean) {
    this.#question = { at: instant(this.#deps.clock), timeout, excused }
    this.#ping()
  }

  #ping() {
    if (this.#stopped) return
    this.#sentAt = instant(this.#deps.clock)
    this.#handlers.ping()
  }

  #keepAlive(now: Instant) {
    if (between(this.#sentAt, now) >= this.#deps.keepalive) this.#ping()
  }

  #since(at: Instant): number {
    return since(this.#deps.clock, at)
  }
}
