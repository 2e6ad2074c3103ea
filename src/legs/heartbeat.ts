import { createAlarm, type Alarm } from '../base/alarm.js'
import { between, instant, since, type Clock, type Instant } from '../base/clock.js'

/** Notices when one leg has gone silent, and keeps it from looking silent to the other side. */
export interface Heartbeat {
  /** A frame has arrived: the leg lives. `at`: now. */
  heard(at?: Instant): void
  /** A frame was sent. */
  sent(at?: Instant): void
  /** Asks now, and takes `timeout` milliseconds without a frame for silence: after a wake or a change of network. */
  probe(timeout: number): void
  stop(): void
}

export interface HeartbeatDeps {
  readonly clock: Clock
  /** Milliseconds without a frame after which the other side is asked for one; null: never, except by `probe`. */
  readonly interval: number | null
  /** Milliseconds that an answer may take. */
  readonly timeout: number
  /** The longest silence that the other side lets us have, in milliseconds; absent: any. */
  readonly keepalive?: number
}

export interface HeartbeatHandlers {
  /** Send something that is answered at once. */
  ping(): void
  /** Asked, and not answered in time. Told once, and again only after a frame has arrived in between. */
  fellSilent(): void
}

/**
 * A visible page's timers are late by milliseconds, a hidden one's by a second; beyond that the program itself stood
 * still.
 */
const LATE = 1_500

/**
 * Where timers run late by more than that, as once a minute in a tab long in the back, whatever is cut after as long a
 * silence would meet each tick in a race. So the other side's answer to such a tick is answered as well, and its answer
 * again, and the last word is some round trips younger than the tick: this many at most, and within so many
 * milliseconds.
 */
const ECHOES = 250
const ECHO_FOR = 250

/**
 * Starts at once; `stop` ends it. There is one timer, set for what is due first and looked at again when it fires, so
 * that a frame costs a clock reading and no timer.
 */
export function createHeartbeat(deps: HeartbeatDeps, handlers: HeartbeatHandlers): Heartbeat {
  return new LegHeartbeat(deps, handlers)
}

class LegHeartbeat implements Heartbeat {
  readonly #deps: HeartbeatDeps
  readonly #handlers: HeartbeatHandlers
  #heardAt: Instant
  #sentAt: Instant
  #question: { readonly at: Instant; readonly timeout: number; readonly excused: boolean } | null = null
  #accused = false
  /** Nothing is due at any time. */
  #idle = false
  #stopped = false
  /** Answers that are still answered, and since when. */
  #echoes: { left: number; readonly since: Instant } | null = null
  readonly #alarm: Alarm

  constructor(deps: HeartbeatDeps, handlers: HeartbeatHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.#heardAt = this.#sentAt = instant(deps.clock)
    this.#alarm = createAlarm(deps.clock, this.#fire, this)
    this.#arm()
  }

  heard(at = instant(this.#deps.clock)): void {
    if (this.#stopped) return
    const wasAccused = this.#accused
    const answered = this.#question
    this.#heardAt = at
    this.#question = null
    this.#accused = false
    if (answered) this.#echo(at)
    // Frames arrive on time where timers run late.
    this.#keepAlive(at)
    if (wasAccused || this.#idle) this.#arm()
  }

  sent(at = instant(this.#deps.clock)): void {
    this.#sentAt = at
  }

  probe(patience: number): void {
    if (this.#stopped) return
    const left = this.#question ? this.#question.timeout - this.#since(this.#question.at) : 0
    // Probes that follow each other must not put the verdict off for ever.
    if (this.#accused || (left > 0 && left <= patience)) this.#ping()
    else this.#ask(patience, false)
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#alarm.clear()
  }

  #nextDelay(): number {
    const { interval, keepalive } = this.#deps
    const question = this.#question
    const answer = question ? question.timeout - this.#since(question.at) : Infinity
    const silence = interval !== null && !question && !this.#accused ? interval - this.#since(this.#heardAt) : Infinity
    const ours = keepalive !== undefined ? keepalive - this.#since(this.#sentAt) : Infinity
    return Math.max(0, Math.min(answer, silence, ours))
  }

  #arm() {
    if (this.#stopped) return
    const delay = this.#nextDelay()
    const { left } = this.#alarm
    // One that is overdue has slept, and would sleep on for the rest of its time.
    if (left !== null && left > 0 && left <= delay) return
    this.#idle = delay === Infinity
    if (this.#idle) this.#alarm.clear()
    else this.#alarm.set(delay)
  }

  #fire(lateness: number) {
    const { interval, timeout, clock } = this.#deps
    const late = lateness > LATE
    const question = this.#question
    this.#echoes = late ? { left: ECHOES, since: instant(clock) } : null
    if (question && this.#since(question.at) >= question.timeout) {
      // A late timer means that the program stood still (sleep, a frozen page), and the answer may lie unread: it is
      // asked for anew. Once only: where timers are always late, as in a page long hidden, frames have been read all
      // the while.
      if (late && !question.excused) this.#ask(question.timeout, true)
      else {
        this.#question = null
        this.#accused = true
        this.#handlers.fellSilent()
      }
    } else if (interval !== null && !question && !this.#accused && this.#since(this.#heardAt) >= interval)
      this.#ask(timeout, false)
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
    this.#sentAt = instant(this.#deps.clock)
    this.#handlers.ping()
  }

  #keepAlive(now: Instant) {
    const { keepalive } = this.#deps
    if (!this.#stopped && keepalive !== undefined && between(this.#sentAt, now) >= keepalive) this.#ping()
  }

  #since(at: Instant): number {
    return since(this.#deps.clock, at)
  }
}
