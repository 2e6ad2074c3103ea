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
  silent(): void
}

/**
 * A visible page's timers are late by milliseconds, a hidden one's by a second; beyond that the program itself stood
 * still.
 */
const LATE = 1_500

/**
 * Starts at once; `stop` ends it. There is one timer, set for what is due first and looked at again when it fires, so
 * that a frame costs a clock reading and no timer.
 */
export function createHeartbeat(
  { clock, interval, timeout, keepalive }: HeartbeatDeps,
  handlers: HeartbeatHandlers,
): Heartbeat {
  let heardAt = instant(clock)
  let sentAt = heardAt
  let question: { readonly at: Instant; readonly timeout: number; readonly excused: boolean } | null = null
  let accused = false
  let stopped = false
  let timer: { readonly set: Instant; readonly delay: number; readonly cancel: () => void } | null = null

  function nextDelay(): number {
    const answer = question ? question.timeout - since(clock, question.at) : Infinity
    const silence = interval !== null && !question && !accused ? interval - since(clock, heardAt) : Infinity
    const ours = keepalive !== undefined ? keepalive - since(clock, sentAt) : Infinity
    return Math.max(0, Math.min(answer, silence, ours))
  }

  function arm() {
    if (stopped) return
    const delay = nextDelay()
    if (timer) {
      // One that is overdue has slept, and would sleep on for the rest of its time.
      const left = timer.delay - since(clock, timer.set)
      if (left >= 0 && left <= delay) return
      timer.cancel()
    }
    timer = delay === Infinity ? null : { set: instant(clock), delay, cancel: clock.setTimeout(fire, delay) }
  }

  function ping() {
    sentAt = instant(clock)
    handlers.ping()
  }

  function ask(patience: number, excused: boolean) {
    question = { at: instant(clock), timeout: patience, excused }
    ping()
  }

  function fire() {
    const late = timer !== null && since(clock, timer.set) - timer.delay > LATE
    timer = null
    if (question && since(clock, question.at) >= question.timeout) {
      // A late timer means that the program stood still (sleep, a frozen page), and the answer may lie unread: it is
      // asked for anew. Once only: where timers are always late, as in a page long hidden, frames have been read all
      // the while.
      if (late && !question.excused) ask(question.timeout, true)
      else {
        question = null
        accused = true
        handlers.silent()
      }
    } else if (interval !== null && !question && !accused && since(clock, heardAt) >= interval) {
      ask(timeout, false)
    }
    keepAlive(instant(clock))
    arm()
  }

  function keepAlive(now: Instant) {
    if (!stopped && keepalive !== undefined && between(sentAt, now) >= keepalive) ping()
  }

  arm()
  return {
    heard(at = instant(clock)) {
      if (stopped) return
      const wasAccused = accused
      heardAt = at
      question = null
      accused = false
      // Frames arrive on time where timers run late.
      keepAlive(heardAt)
      if (wasAccused || !timer) arm()
    },
    sent(at = instant(clock)) {
      sentAt = at
    },
    probe(patience) {
      if (stopped) return
      const left = question ? question.timeout - since(clock, question.at) : 0
      // Probes that follow each other must not put the verdict off for ever.
      if (accused || (left > 0 && left <= patience)) ping()
      else ask(patience, false)
      arm()
    },
    stop() {
      stopped = true
      timer?.cancel()
      timer = null
    },
  }
}
