import type { LiveSocketError } from '../base/errors.js'
import { since, type Instant } from '../base/clock.js'
import { dialPatience } from '../policy/dial-patience.js'
import { ProtocolLeg, type LegEnd } from '../legs/protocol-leg.js'
import type { ClientFrame, Rejected, ServerFrame } from '../protocol/frames.js'
import type { Handover } from './handover.js'
import type { HandoverLeg } from './handover-leg.js'
import { ended, fellSilent } from './leg-end.js'
import { received } from './leg-frames.js'
import { askUrl } from './option-callbacks.js'
import type { HandoverAsk } from './state.js'

/**
 * A dial beside a serving leg has this part of `connectTimeout` to open: meanwhile Firefox lets no other dial to that
 * host start.
 */
const OPEN_PART = 0.5

/** A leg that has lived this long, ms, is trusted again. */
const LASTED = 30_000

/** A dial and the resulting leg, to its end: supplies what the leg needs, and passes on its events. */
export class Dial extends ProtocolLeg implements HandoverLeg {
  readonly number: number
  readonly handover: string | undefined
  refusals: HandoverLeg['refusals'] = null
  suspect = false
  leaving = false
  readonly #for: Handover
  readonly #url: string | null
  readonly #ask: HandoverAsk | null

  /** `url`: the address that a server named; null: the application's own. */
  constructor(handover: Handover, number: number, url: string | null, ask: HandoverAsk | null) {
    const { settings, dials } = handover
    super(settings, dialPatience(settings.connectTimeout, dials.slow))
    this.#for = handover
    this.#url = url
    this.#ask = ask
    this.number = number
    this.handover = ask?.by === 'server' ? ask.id : undefined
  }

  /** Called once. Fetching its token may reveal that the session is over, and then the leg is closed at once. */
  begin(): void {
    const { settings, state } = this.#for
    this.dial(state.active ? settings.connectTimeout * OPEN_PART : this.connectTimeout)
  }

  get lasted(): boolean {
    const { welcome, clock } = this
    return !!welcome && since(clock, welcome.at) >= LASTED
  }

  takeRefusals(): ReadonlyMap<string, LiveSocketError> {
    const refusals = this.refusals
    this.refusals = null
    return refusals ?? new Map()
  }

  bearer(signal: AbortSignal): Promise<string | undefined> {
    return this.#for.session.tokens.token(signal)
  }

  async address(signal: AbortSignal): Promise<string> {
    if (this.#url !== null) return this.#url
    const { settings, audience, dials, state } = this.#for
    return (dials.configured = await askUrl(
      settings.url,
      {
        attempt: state.failures + state.tries,
        reason: this.#ask ? 'handover' : dials.everServed ? 'reconnect' : 'first',
        failed: dials.inVain,
        signal,
      },
      audience,
    ))
  }

  hello(): ClientFrame {
    const { audience, session } = this.#for
    const { number, url, token, handover } = this
    audience.emit('leg-open', { leg: number, url })
    // A listener may have closed the leg: then the hello is not sent.
    const topics = this.#for.legs.get(number) === this ? session.merge.hello(number) : new Map()
    // The option may be a fraction of a millisecond; the wire has whole ones.
    const timeout = Math.ceil(this.connectTimeout)
    return { type: 'hello', session: session.id, leg: number, token, topics, handover, timeout }
  }

  arrived(at: Instant): void {
    this.#for.arrived(at)
  }

  frame(frame: ServerFrame): void {
    received(this.#for, this, frame)
  }

  invalid({ topic, invalid }: Rejected): void {
    this.#for.audience.emit('invalid', { topic, reason: invalid })
  }

  silent(): void {
    fellSilent(this.#for, this)
  }

  ended(end: LegEnd): void {
    ended(this.#for, this, end)
  }
}
