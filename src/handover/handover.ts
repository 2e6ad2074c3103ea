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

/** What a leg's dial, its frames and its end are judged by, and what they set off. The coordinator is it. */
export interface Handover {
  readonly settings: Settings
  readonly audience: Audience
  /** The one whose legs these are. */
  readonly session: Session
  readonly state: State
  readonly legs: LegRoster
  readonly dials: DialRecord
  readonly evidence: LocalEvidence
  readonly handoverRecord: {
    /** The cutover whose old leg still lives. */
    readonly cutover: { readonly at: Instant } | null
    /** Milliseconds since the last one. */
    readonly sinceCutover: number
    gone(leg: number): void
  }
  dispatch(event: Event): void
  /** That leg is to be left, as of now. */
  ask(leg: number, ask: Omit<HandoverAsk, 'at' | 'expired'>): void
  /** The client itself wants to leave the active leg. */
  leave(reason: ClientReason): void
  /** A hint that a dial may succeed now. */
  dialSooner(): void
  /** Something has come, now: looks at what may have come due meanwhile. */
  arrived(at: Instant): void
  /** Something has come in: the old leg goes, should it have nothing more to give. */
  retireOld(): void
}

/** Who is told what becomes of the legs. */
export interface Audience {
  readonly outage: Outage
  readonly emit: Emit
  readonly signals: Pick<Signals, 'told' | 'refused'>
  error(error: LiveSocketError): void
  /** Something is not as it must be, and everything else goes on; `cause`: what a function of the application threw. */
  report(message: string, cause?: unknown): void
  /** The server does not give a topic; with `retryAfter` it is asked again. */
  refused(error: LiveSocketError): void
  changed(): void
  stopped(stop: Stop): void
}
