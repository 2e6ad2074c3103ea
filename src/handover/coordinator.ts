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
 * Frames that come within this time of the last look at clocks, and at the storage that tabs share, are no reason for
 * another one, ms.
 */
const LOOK_AFTER = 50
/**
 * The protocol has no code for "the page sleeps, I will be back"; ours is in the application range, and servers need
 * not know it.
 */
const SUSPENDED = 4000

/**
 * Brings to the machine what happens, one event after the other, and has carried out what it decides (`effects.ts`).
 * What legs say comes in by `leg-frames.ts` and `leg-end.ts`.
 */
export class Coordinator implements Carrier, SessionLegs {
  readonly settings: Settings
  readonly audience: Audience
  /** Set by `connect`: before it there are no legs. */
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
  /** Of the step that is being carried out. */
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

  // What the application wants.

  /** `fresh`: the legs are counted from 1 again. `held`: nothing is dialled before `resume`. */
  connect(session: Session, fresh: boolean, held: boolean): void {
    this.session = session
    this.dials.connect()
    this.dialTimer.paused = held
    this.dispatch({ type: 'connect', fresh, held, exclusive: this.settings.protocol.overlap === 'exclusive' })
  }

  stop(stop: Stop): void {
    this.#endAll(stop, { type: 'stop', stop })
  }

  /** That leg is to be left, as of now. */
  ask(leg: number, ask: Omit<HandoverAsk, 'at' | 'expired'>): void {
    this.dispatch({ type: 'asked', leg, ask: { ...ask, at: instant(this.settings.clock), expired: false } })
  }

  /** Hands over to a new leg, or does not wait out a reconnection. Resolves when the old one is gone. */
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

  // What the machine wants.

  dispatch(event: Event): void {
    // What an effect causes is a later event: each step sees the whole outcome of the one before. But who stops, from
    // within what an effect tells, is stopped when the call returns: what that step had still to do was about legs that
    // are gone.
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

  /** All legs go at that event, and their servers are told so. */
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
    // A request may take over the dial of the one that it replaces.
    if (standby && active?.ask) this.handoverRecord.started(active.ask, active.leg, standby.leg, false)
    if (wait !== 'timer') this.dialTimer.clear()
    this.limits.follow()
    this.handoverRecord.settle()
  }

  // What time brings, and the page and its network.

  arrived(at: Instant): void {
    if (this.#lookedAt && between(this.#lookedAt, at) < LOOK_AFTER) return
    this.#lookedAt = at
    this.session.tokens.lookIfChanged()
    this.settings.clock.ringDue()
  }

  /**
   * A hint that a dial may succeed now. With `patience`, a dial that is under way has so many ms left: it may hang in a
   * network that is no more. Where it fails all the same, the next one is early.
   */
  dialSooner(patience?: number): void {
    for (const leg of this.legs.all) {
      if (leg.welcome) continue
      // It is cut short only where the next one need not wait.
      if (patience !== undefined && this.dials.mayBeEarly) leg.shortenDial(patience)
      leg.suspect = true
    }
    this.settings.clock.ringDue()
    this.dialTimer.sooner()
  }

  /** Asks every serving leg for a sign of life within `timeout` ms. */
  probe(timeout: number): void {
    for (const leg of this.legs.all) if (leg.welcome) leg.probe(timeout)
  }

  /** The page may be left, or not. */
  leaving(): void {
    this.evidence.leaving()
    for (const leg of this.legs.all) leg.leaving = true
  }

  /** Goes into the back/forward cache: the legs are let go with our own code, and come back with the dial timer's `resume`. */
  suspend(): void {
    // While it is held nothing is dialled, and there is nothing to leave.
    if (this.state.status !== 'open' || this.dialTimer.paused) return
    this.dialTimer.paused = true
    const goodbye = { code: SUSPENDED, reason: 'the page is stored' }
    this.#endAll(goodbye, { type: 'suspend', lasted: !!this.activeLeg?.lasted })
  }

  // What the session wants of its legs.

  leave(reason: ClientReason): void {
    const { active } = this.state
    if (!active) return
    const deadline = reason === 'silence' ? this.settings.connectTimeout : OWN_DEADLINE
    this.ask(active.leg, { id: newId(), reason, by: 'client', url: null, deadline, spread: 0 })
  }

  send(leg: number, frame: ClientFrame): boolean {
    // A tab that was frozen may have slept through a sign-out: it learns of it before its first byte.
    this.session.tokens.lookIfChanged()
    this.session.merge.ask?.()
    // While all legs go nothing is sent on one that goes a moment later.
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
