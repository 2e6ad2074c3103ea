import { createAlarm, type Alarm } from '../base/alarm.js'
import { between, instant, since, type Clock, type Instant } from '../base/clock.js'

/** Notices when one leg has gone silent, and keeps it from looking silent to the other side. */
export interface Heartbeat {
  /** A frame has arrived: the leg lives. `at`: now. */
  heard(at: Instant): void
  /** A frame was sent. */
  sent(at: Instant): void
  /** Asks now, and takes `timeout` milliseconds without a frame for silence: after a wake or a change of network. */
  probe(timeout: number): void
  stop(): void
}

export interface HeartbeatDeps {
  readonly clock: Clock
  /** Milliseconds without a frame after which the other side is asked for one; Infinity: never, except by `probe`. */
  readonly interval: number
  /** Milliseconds that an answer may take. */
  readonly timeout: number
  /** The longest silence that the other side lets us have, in milliseconds; Infinity: any. */
  readonly keepalive: number
}

export interface HeartbeatHandlers {
  /** Send something that is answered at once. */
  ping(): void
  /** Asked, and not answered in time. Told once, and again only after a frame has arrived in between. */
  fellSilent(): void
}

/** What the other side was asked. `excused`: the answer had time once before, while the program stood still. */
interface Question {
  readonly at: Instant
  readonly timeout: number
  readonly excused: boolean
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
  /** Once it is told that the leg fell silent the answer has no end: nothing else is asked until a frame arrives. */
  #question: Question | null = null
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

  heard(at: Instant): void {
    const answered = this.#question
    this.#heardAt = at
    this.#question = null
    if (answered) this.#echo(at)
    // Frames arrive on time where timers run late.
    this.#keepAlive(at)
    if (answered) this.#arm()
  }

  sent(at: Instant): void {
    this.#sentAt = at
  }

  probe(patience: number): void {
    const left = this.#left
    // Probes that follow each other must not put the verdict off for ever.
    if (this.#question && left > 0 && (left <= patience || left === Infinity)) this.#ping()
    else this.#ask(patience, false)
    this.#arm()
  }

  stop(): void {
    this.#stopped = true
    this.#alarm.clear()
  }

  /** Milliseconds that the answer may still take; Infinity where none is waited for. */
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
    // One that is overdue has slept, and would sleep on for the rest of its time.
    if (left === null || left <= 0 || left > delay) this.#alarm.set(delay)
  }

  #fire(lateness: number) {
    const { interval, timeout, clock } = this.#deps
    const late = lateness > LATE
    const question = this.#question
    this.#echoes = late ? { left: ECHOES, since: instant(clock) } : null
    if (question && this.#left <= 0) {
      // A late timer means that the program stood still (sleep, a frozen page), and the answer may lie unread: it is
      // asked for anew. Once only: where timers are always late, as in a page long hidden, frames have been read all
      // the while.
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
