import type { Instant } from '../base/clock.js'
import type { LiveSocketError } from '../base/errors.js'
import type { Settings } from '../options/settings.js'
import type { Signals } from '../signals/signals.js'
import type { LegRoster } from './leg-roster.js'
import type { DialRecord } from './dial-record.js'
import type { Emit } from './events.js'
import type { LocalEvidence } from './local-evidence.js'
import type { Outage } from './outage.js'
import type { Session } from './session.js'
import type { ClientReason, Event, HandoverAsk, State, Stop } from './state.js'

/** What the code for a leg's dial, frames and end reads and calls. The coordinator implements it. */
export interface Handover {
  readonly settings: Settings
  readonly audience: Audience
  /** The session that these legs serve. */
  readonly session: Session
  readonly state: State
  readonly legs: LegRoster
  readonly dials: DialRecord
  readonly evidence: LocalEvidence
  readonly handoverRecord: {
    /** The cutover whose old leg still lives. */
    readonly cutover: { readonly at: Instant } | null
    /** Milliseconds since the last cutover. */
    readonly sinceCutover: number
    gone(leg: number): void
  }
  dispatch(event: Event): void
  /** Records that this leg is to be left, starting now. */
  ask(leg: number, ask: Omit<HandoverAsk, 'at' | 'expired'>): void
  /** The client itself wants to leave the active leg. */
  leave(reason: ClientReason): void
  /** A hint that a dial may succeed now. */
  dialSooner(): void
  /** Data has arrived: checks what may have come due meanwhile. */
  arrived(at: Instant): void
  /** Closes the old leg if it has nothing more to deliver. Called when a frame has arrived. */
  retireOld(): void
}

/** The receiver of what happens to the legs. */
export interface Audience {
  readonly outage: Outage
  readonly emit: Emit
  readonly signals: Pick<Signals, 'told' | 'refused'>
  error(error: LiveSocketError): void
  /** Reports a problem that stops nothing else; `cause`: what a function of the application threw. */
  report(message: string, cause?: unknown): void
  /** The server refuses a topic; with `retryAfter` the topic is requested again. */
  refused(error: LiveSocketError): void
  changed(): void
  stopped(stop: Stop): void
}
