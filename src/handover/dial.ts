import type { Instant } from '../base/clock.js'
import { dialPatience } from '../policy/dial-patience.js'
import { createProtocolLeg, type LegEnd, type ProtocolLeg } from '../legs/protocol-leg.js'
import type { ProtocolLegDeps, ProtocolLegHandlers } from '../legs/protocol-leg.js'
import type { Settings } from '../options/settings.js'
import type { ClientFrame, Rejected, ServerFrame } from '../protocol/frames.js'
import type { Handover } from './handover.js'
import { died, fellSilent } from './leg-end.js'
import { received } from './leg-frames.js'
import type { RosterEntry } from './leg-roster.js'
import { askUrl } from './option-callbacks.js'
import type { HandoverAsk } from './state.js'

/**
 * A dial beside a leg that serves has this part of `connectTimeout` to open: Firefox lets no other one to that host
 * pass it meanwhile.
 */
const OPEN_PART = 0.5

/** A leg's dial: what it is made of, and who hears it, all the way to its end. */
export class Dial implements ProtocolLegDeps, ProtocolLegHandlers, RosterEntry {
  readonly leg: ProtocolLeg
  refusals: RosterEntry['refusals'] = null
  suspect = false
  leaving = false
  readonly number: number
  readonly handover: string | undefined
  readonly connectTimeout: number
  readonly openTimeout: number
  readonly clock: Settings['clock']
  readonly present: ProtocolLegDeps['present']
  readonly protocol: Settings['protocol']
  readonly WebSocket: Settings['WebSocket']
  readonly heartbeat: Settings['heartbeat']
  readonly #handover: Handover
  readonly #url: string | null
  readonly #why: {
    readonly attempt: number
    readonly reason: 'first' | 'handover' | 'reconnect'
    readonly failed: string | null
  }

  /** `url`: where a server wants it to go; null: where the application says. */
  constructor(handover: Handover, number: number, url: string | null, ask: HandoverAsk | null) {
    const { settings, state, dials } = handover
    const { clock, connectTimeout } = settings
    this.#handover = handover
    this.#url = url
    this.#why = {
      attempt: state.failures + state.tries,
      reason: ask ? 'handover' : dials.everServed ? 'reconnect' : 'first',
      failed: dials.inVain,
    }
    this.number = number
    this.handover = ask?.by === 'server' ? ask.id : undefined
    this.connectTimeout = dialPatience(connectTimeout, dials.slow)
    this.openTimeout = state.active ? connectTimeout * OPEN_PART : this.connectTimeout
    this.clock = clock
    this.present = clock.present
    this.protocol = settings.protocol
    this.WebSocket = settings.WebSocket
    this.heartbeat = settings.heartbeat
    this.leg = createProtocolLeg(this, this)
  }

  token(signal: AbortSignal): Promise<string | undefined> {
    return this.#handover.session.tokens.token(signal)
  }

  async url(signal: AbortSignal): Promise<URL> {
    if (this.#url !== null) return new URL(this.#url)
    const { settings, audience, dials } = this.#handover
    const url = await askUrl(settings.url, { ...this.#why, signal }, audience)
    dials.configured = url.href
    return url
  }

  hello(token: string | undefined): ClientFrame {
    const { session } = this.#handover
    const topics = session.merge.hello(this.number)
    const { number, handover } = this
    // The option may be a part of a millisecond; on the wire there are none.
    const timeout = Math.ceil(this.connectTimeout)
    return { type: 'hello', session: session.id, leg: number, token, topics, handover, timeout }
  }

  opened(): void {
    this.#handover.audience.emit('leg-open', { leg: this.number, url: this.leg.url })
  }

  arrived(at: Instant): void {
    this.#handover.arrived(at)
  }

  frame(frame: ServerFrame): void {
    received(this.#handover, this, frame)
  }

  invalid({ topic, invalid }: Rejected): void {
    this.#handover.audience.emit('invalid', { topic, reason: invalid })
  }

  silent(): void {
    fellSilent(this.#handover, this.leg)
  }

  died(end: LegEnd): void {
    died(this.#handover, this, end)
  }
}
