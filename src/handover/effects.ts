import { Dial } from './dial.js'
import type { DialTimer } from './dial-timer.js'
import type { Handover } from './handover.js'
import type { HandoverLeg } from './handover-leg.js'
import type { HandoverRecord } from './handover-record.js'
import { tellGone } from './leg-end.js'
import type { Effect, Stop } from './state.js'
import type { TimeLimits } from './time-limits.js'

/** What effects act on: the coordinator implements it. */
export interface Carrier extends Handover {
  readonly dialTimer: DialTimer
  readonly limits: TimeLimits
  readonly handoverRecord: HandoverRecord
  readonly activeLeg: HandoverLeg | undefined
  /** What the legs' servers are told when the application stops or its page is stored. */
  readonly goodbye: Pick<Stop, 'code' | 'reason'> | null
  /** The newest token. It may have arrived while the serving leg was waiting for its welcome. */
  freshest: string | undefined
  /** Sends the token on the live legs. */
  renew(token: string): void
}

type CarryOut<Do> = (to: Carrier, effect: Extract<Effect, { readonly do: Do }>) => void

/** Carries out each effect of the machine, by its name: dials and closes legs, and notifies the session. */
export const carryOut: { readonly [Do in Effect['do']]: CarryOut<Do> } = {
  dial(to, { leg, url, ask }) {
    const { state, legs, audience, handoverRecord } = to
    const dial = new Dial(to, leg, url, ask)
    legs.add(dial)
    audience.emit('leg-dialling', { leg, handover: dial.handover })
    // Called before the token is fetched, which changes the token's public state: no listener may see that state beside
    // a status that still says closed.
    audience.changed()
    // A listener may close the leg.
    const goesOn = () => legs.get(leg) === dial
    if (ask && goesOn()) handoverRecord.started(ask, state.active?.leg ?? leg - 1, leg, state.exclusive)
    if (goesOn()) dial.begin()
  },

  close(to, { leg: number, why }) {
    const { legs, dials, dialTimer, audience, goodbye } = to
    const leg = legs.get(number)
    if (!leg) return
    legs.delete(leg)
    // A server that names one address after the other, or cancels its requests, causes no more dials than one that
    // fails.
    if (why === 'dropped' && leg.url) dialTimer.busyFor.extend(dials.retries.take())
    if (why === 'same-server') dials.inVain = leg.url
    if (why === 'silent') audience.outage.failed({ code: 'lost', message: why })
    // A code that the application gave without a reason is sent without one, as with a WebSocket.
    const { code = 1000, reason = goodbye?.code ? '' : why } = goodbye ?? {}
    leg.close(code, reason)
    tellGone(to, { leg: number, code, reason, by: 'client' })
  },

  delay: ({ dialTimer }, { backoff }) => dialTimer.wait(backoff),

  /** A leg serves from now on: a new one, or the old one again. */
  serve(to, { leg: number }) {
    const { session, audience, handoverRecord, legs, state, dials } = to
    // The place in a spread belonged to another leg.
    to.dialTimer.clear()
    const leg = legs.get(number)
    if (!leg?.welcome) return
    to.limits.ageFrom(leg.dialledAt)
    if (handoverRecord.lost(number)) return tellRefused(to, leg)
    const { old } = state
    // Any of these calls may run a listener that stops everything.
    const gone = () => legs.get(number) !== leg
    dials.doubted = false
    const refusals = leg.takeRefusals()
    session.merge.ready(number, leg.answers ?? new Map(), refusals)
    leg.answers = null
    for (const [topic, error] of refusals) {
      if (gone()) return
      session.merge.refused(number, topic, error.retryAfter)
      audience.refused(error)
    }
    if (gone()) return
    session.outbox?.ready(number, leg.welcome.maxFrame)
    audience.emit('leg-ready', { leg: number, url: leg.url, server: leg.welcome.server })
    if (gone()) return
    handoverRecord.served(number, old)
    session.served(old !== null)
    audience.outage.over()
    if (to.freshest !== undefined && leg.token !== undefined) to.renew(to.freshest)
  },

  failed(to, { ask, why }) {
    to.handoverRecord.failed(ask, why)
    tellRefused(to, to.activeLeg)
  },

  stopped(to, { stop }) {
    to.freshest = undefined
    to.handoverRecord.stopped()
    to.audience.stopped(stop)
  },
}

/** Reports the refusals of a leg that goes on serving, or serves again. */
function tellRefused({ audience }: Carrier, leg: HandoverLeg | undefined) {
  for (const error of leg?.takeRefusals().values() ?? []) audience.emit('error', { error })
}
