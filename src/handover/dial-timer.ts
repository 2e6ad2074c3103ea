import { createAlarm } from '../base/alarm.js'
import { since } from '../base/clock.js'
import { createPeriod } from '../base/period.js'
import { bounded, bounds } from '../policy/bounds.js'
import type { Ask, ClientReason, Pace } from './machine.js'
import { createSafeMoment } from './safe-moment.js'
import type { Settings } from '../options/options.js'
import { delayOf } from './dial-delay.js'

/** When the next dial is due. */
export interface DialTimer {
  wait(pace: Pace): void
  /** No dial is waited for. */
  clear(): void
  /** A page that is stored dials nothing: what comes due meanwhile is dropped, and `resume` asks anew. */
  pause(): void
  /** False: it was not paused. */
  resume(): boolean
  /** The pace that was waited at last. */
  readonly pace: Pace
  /** What it waits for is a busy server. */
  readonly busy: boolean
  /** Milliseconds to go; null where no delay runs. */
  readonly left: number | null
  /** The application puts the move off for the moment. */
  readonly putOff: boolean
}

export interface DialTimerDeps {
  readonly settings: Settings
  /** What the active leg was asked. */
  ask(): Ask | null
  /** Milliseconds since the last cutover. */
  sinceCutover(): number
  /** What the last dial took up to its welcome, ms. */
  dialTook(): number
  /** The spread that a server named, ms. */
  spread(): number | undefined
}

/** Moves that the client wants by itself and that can wait for a moment that suits the application. */
const PATIENT: readonly string[] = ['age', 'token'] satisfies ClientReason[]

export function createDialTimer(
  deps: DialTimerDeps,
  handlers: { due(): void; whenThrew(thrown: unknown): void },
): DialTimer {
  const { clock, random, handover, reconnect } = deps.settings
  const moment = handover.when && createSafeMoment(clock, handover.when, handlers.whenThrew)
  const alarm = createAlarm(clock, due)
  /** For so long a server said that it is busy: whatever a later wait is for, it is no shorter. */
  const busy = createPeriod(clock)
  let pace: Pace = { kind: 'now' }
  let paused = false

  /** A move that can wait for a moment that suits the application does. */
  function due() {
    if (paused) return
    const ask = deps.ask()
    const patient =
      ask && !ask.expired && pace.kind === 'asked' && (ask.by === 'server' || PATIENT.includes(ask.reason))
    if (!moment || !patient) return handlers.due()
    moment.wait(
      { id: ask.id, reason: ask.reason, deadline: Math.max(0, ask.deadline - since(clock, ask.at)) },
      handlers.due,
    )
  }

  function now() {
    alarm.clear()
    due()
  }

  return {
    wait(next) {
      pace = next
      moment?.clear()
      if ('retryAfter' in pace && pace.retryAfter) busy.extend(bounded(pace.retryAfter, bounds.retryAfter))
      if (pace.kind === 'now' && busy.left === 0) return now()
      const dwell = Math.max(0, handover.dwell - deps.sinceCutover())
      const delay = Math.max(
        busy.left,
        delayOf(pace, {
          clock,
          random,
          ask: deps.ask(),
          dwell,
          dialTook: deps.dialTook(),
          spread: deps.spread() ?? reconnect.spread,
          cap: reconnect.cap,
        }),
      )
      // A request that replaces another one must not put off a dial that is due already.
      alarm.set(pace.kind === 'asked' && alarm.left !== null ? Math.min(alarm.left, delay) : delay)
      if (pace.kind === 'asked' && delay === 0) now()
    },
    clear() {
      alarm.clear()
      moment?.clear()
    },
    pause() {
      paused = true
    },
    resume() {
      const was = paused
      paused = false
      return was
    },
    get pace() {
      return pace
    },
    get busy() {
      return pace.kind === 'busy' || (pace.kind === 'again' && pace.retryAfter !== undefined)
    },
    get left() {
      return alarm.left
    },
    get putOff() {
      return moment?.waiting ?? false
    },
  }
}
