import { explain } from '../base/explanation.js'
import { newId } from '../base/id.js'
import { between, instant, type Instant } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import type { Settings } from '../options/settings.js'
import type { ClientFrame } from '../protocol/frames.js'
import type { HandoverLeg } from './handover-leg.js'
import { DialRecord } from './dial-record.js'
import { DialTimer } from './dial-timer.js'
import type { Audience } from './handover.js'
import { carryOut, type Carrier } from './effects.js'
import { LegRoster } from './leg-roster.js'
import { LocalEvidence } from './local-evidence.js'
import { initialState, step } from './machine.js'
import { HandoverRecord } from './handover-record.js'
import type { Session, SessionLegs } from './session.js'
import type { HandoverAsk, ClientReason, Effect, Event, State, Stop } from './state.js'
import { OWN_DEADLINE, TimeLimits } from './time-limits.js'

/**
 * Frames that arrive within this time, in ms, of the last check of the clocks and of the storage that tabs share cause
 * no further check.
 */
const LOOK_AFTER = 50
/**
 * The protocol has no code for "the page is suspended and will be back". This one is in the application range, and
 * servers need not know it.
 */
const SUSPENDED = 4000

/**
 * Gives the machine one event after the other, and has its effects carried out (`effects.ts`). Events of legs come from
 * `leg-frames.ts` and `leg-end.ts`.
 */
export class Coordinator implements Carrier, SessionLegs {
  readonly settings: Settings
  readonly audience: Audience
  /** Set by `connect`; before that there are no legs. */
  session!: Session
  state: State = initialState
  readonly legs = new LegRoster()
  readonly dials: DialRecord
  readonly evidence: LocalEvidence
  readonly limits: TimeLimits
  readonly handoverRecord: HandoverRecord
  readonly dialTimer: DialTimer
  readonly #queue: Event[] = []
  #running = false
  /** The number of the step being carried out. */
  #turn = 0
  #lookedAt: Instant | null = null
  goodbye: Carrier['goodbye'] = null
  freshest: string | undefined

  constructor(settings: Settings, audience: Audience) {
    this.settings = settings
    this.audience = audience
    this.dials = new DialRecord(settings.clock)
    this.evidence = new LocalEvidence(settings.clock, settings.network)
    this.limits = new TimeLimits(this)
    this.handoverRecord = new HandoverRecord(this)
    this.dialTimer = new DialTimer(this)
  }

  // Called for the application.

  /** `fresh`: legs are numbered from 1 again. `held`: nothing is dialled before `resume`. */
  connect(session: Session, fresh: boolean, held: boolean): void {
    this.session = session
    this.dials.connect()
    this.dialTimer.paused = held
    this.dispatch({ type: 'connect', fresh, held, exclusive: this.settings.protocol.overlap === 'exclusive' })
  }

  stop(stop: Stop): void {
    this.#endAll(stop, { type: 'stop', stop })
  }

  /** Records that this leg is to be left, starting now. */
  ask(leg: number, ask: Omit<HandoverAsk, 'at' | 'expired'>): void {
    this.dispatch({ type: 'asked', leg, ask: { ...ask, at: instant(this.settings.clock), expired: false } })
  }

  /** Hands over to a new leg, or cuts short the wait for a reconnection. Resolves when the old leg is gone. */
  handover(): Promise<void> {
    const { status, active } = this.state
    if (status !== 'open')
      return Promise.reject(
        new LiveSocketError('closed', explain`There is nothing to hand over: call connect() first.`),
      )
    const over = this.handoverRecord.over()
    if (active) this.leave('application')
    else this.dialSooner()
    return over
  }

  // Running the machine.

  dispatch(event: Event): void {
    // An event caused by an effect is queued: each step sees the complete outcome of the one before. A stop is the
    // exception: if an effect's listener stops, everything has stopped when the call returns, and the interrupted
    // step's remaining effects concern legs that are gone.
    const stops = event.type === 'stop' && this.state.status !== 'closed'
    if (stops) this.#queue.length = 0
    this.#queue.push(event)
    if (this.#running && !stops) return
    const outer = this.#running
    this.#running = true
    try {
      for (let next = this.#queue.shift(); next; next = this.#queue.shift()) this.#takeStep(next)
    } finally {
      this.#running = outer
    }
    this.audience.changed()
    this.retireOld()
  }

  /** Closes all legs with that event, and tells their servers why. */
  #endAll(goodbye: Carrier['goodbye'], event: Event) {
    this.goodbye = goodbye
    this.dispatch(event)
    this.goodbye = null
  }

  #takeStep(event: Event) {
    const mine = ++this.#turn
    const [after, effects] = step(this.state, event)
    this.state = after
    for (const effect of effects) {
      ;(carryOut[effect.do] as (to: Carrier, effect: Effect) => void)(this, effect)
      if (this.#turn !== mine) break
    }
    const { active, standby, wait } = this.state
    // A request may take over the dial of the request that it replaces.
    if (standby && active?.ask) this.handoverRecord.started(active.ask, active.leg, standby.leg, false)
    if (wait !== 'timer') this.dialTimer.clear()
    this.limits.follow()
    this.handoverRecord.settle()
  }

  // Time, the page and its network.

  arrived(at: Instant): void {
    if (this.#lookedAt && between(this.#lookedAt, at) < LOOK_AFTER) return
    this.#lookedAt = at
    this.session.tokens.lookIfChanged()
    this.settings.clock.ringDue()
  }

  /**
   * A hint that a dial may succeed now. `patience`: a dial under way has this many ms left, since it may hang in a
   * network that is gone. If it fails nevertheless, the next one is early.
   */
  dialSooner(patience?: number): void {
    for (const leg of this.legs.all) {
      if (leg.welcome) continue
      // A dial is cut short only if the next one need not wait.
      if (patience !== undefined && this.dials.mayBeEarly) leg.shortenDial(patience)
      leg.suspect = true
    }
    this.settings.clock.ringDue()
    this.dialTimer.sooner()
  }

  /** Pings every welcomed leg; without a frame within `timeout` ms it counts as silent. */
  probe(timeout: number): void {
    for (const leg of this.legs.all) if (leg.welcome) leg.probe(timeout)
  }

  /** The user may be leaving the page. */
  leaving(): void {
    this.evidence.leaving()
    for (const leg of this.legs.all) leg.leaving = true
  }

  /**
   * The page goes into the back/forward cache: closes the legs with our own code. The dial timer's `resume` brings them
   * back.
   */
  suspend(): void {
    // While dialling is paused there are no legs to close.
    if (this.state.status !== 'open' || this.dialTimer.paused) return
    this.dialTimer.paused = true
    const goodbye = { code: SUSPENDED, reason: 'the page is stored' }
    this.#endAll(goodbye, { type: 'suspend', lasted: !!this.activeLeg?.lasted })
  }

  // Called for the session.

  leave(reason: ClientReason): void {
    const { active } = this.state
    if (!active) return
    const deadline = reason === 'silence' ? this.settings.connectTimeout : OWN_DEADLINE
    this.ask(active.leg, { id: newId(), reason, by: 'client', url: null, deadline, spread: 0 })
  }

  send(leg: number, frame: ClientFrame): boolean {
    // A tab that was frozen may have slept through a sign-out, and must learn of it before it sends its first byte.
    this.session.tokens.lookIfChanged()
    this.session.merge.ask?.()
    // While all legs are being closed, nothing is sent on one that is closed a moment later.
    return !this.goodbye && !!this.legs.get(leg)?.send(frame)
  }

  renew(token: string): void {
    this.freshest = token
    for (const leg of this.legs.all) {
      if (!leg.welcome || leg.token === token) continue
      if (this.settings.protocol.inBandAuth && leg.send({ type: 'auth', token })) leg.token = token
      else if (leg === this.activeLeg) this.leave('token')
    }
  }

  dropStandby(): boolean {
    if (!this.state.standby) return false
    this.dispatch({ type: 'overflow' })
    return true
  }

  retireOld(): void {
    const { old } = this.state
    if (this.#running || !old) return
    const { session } = this
    if (session.merge.caughtUp() && !session.outbox?.owes(old.leg) && !this.legs.get(old.leg)?.owes)
      this.dispatch({ type: 'old-done' })
  }

  get serving() {
    const leg = this.activeLeg
    return leg?.welcome ? { leg: leg.number, maxFrame: leg.welcome.maxFrame } : null
  }

  get online(): boolean {
    return this.evidence.online(this.state.active !== null)
  }

  get activeLeg(): HandoverLeg | undefined {
    return this.legs.get(this.state.active?.leg)
  }
}
