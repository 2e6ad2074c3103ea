import { Dial } from './dial.js'
import type { DialTimer } from './dial-timer.js'
import type { Handover } from './handover.js'
import type { HandoverLeg } from './handover-leg.js'
import type { HandoverRecord } from './handover-record.js'
import { tellGone } from './leg-end.js'
import type { Effect, Stop } from './state.js'
import type { TimeLimits } from './time-limits.js'

/** On what effects are carried out: the coordinator is it. */
export interface Carrier extends Handover {
  readonly dialTimer: DialTimer
  readonly limits: TimeLimits
  readonly handoverRecord: HandoverRecord
  readonly activeLeg: HandoverLeg | undefined
  /** What the legs' servers are told while the application stops, or its page is stored. */
  readonly goodbye: Pick<Stop, 'code' | 'reason'> | null
  /** The token in force: it may have come while the leg that now serves was waiting for its welcome. */
  freshest: string | undefined
  /** Puts it on the live legs. */
  renew(token: string): void
}

type CarryOut<Do> = (to: Carrier, effect: Extract<Effect, { readonly do: Do }>) => void

/** What is done for each effect of the machine, by its name: legs are dialled and closed, and the session is told. */
export const carryOut: { readonly [Do in Effect['do']]: CarryOut<Do> } = {
  dial(to, { leg, url, ask }) {
    const { state, legs, audience, handoverRecord } = to
    const dial = new Dial(to, leg, url, ask)
    legs.add(dial)
    audience.emit('leg-dialling', { leg, handover: dial.handover })
    // Before its token is asked for, whose state is told: beside it nobody is to read that the socket is closed still.
    audience.changed()
    // Who is told of that may close.
    const goesOn = () => legs.get(leg) === dial
    if (ask && goesOn()) handoverRecord.started(ask, state.active?.leg ?? leg - 1, leg, state.exclusive)
    if (goesOn()) dial.begin()
  },

  close(to, { leg: number, why }) {
    const { legs, dials, dialTimer, audience, goodbye } = to
    const leg = legs.get(number)
    if (!leg) return
    legs.delete(leg)
    // A server that names place after place, or calls off what it asks for, has no more dials than one that fails.
    if (why === 'dropped' && leg.url) dialTimer.busyFor.extend(dials.retries.take())
    if (why === 'same-server') dials.inVain = leg.url
    if (why === 'silent') audience.outage.failed({ code: 'lost', message: why })
    // A code of the application's own stands alone where it gave no reason, as with a WebSocket.
    const { code = 1000, reason = goodbye?.code ? '' : why } = goodbye ?? {}
    leg.close(code, reason)
    tellGone(to, { leg: number, code, reason, by: 'client' })
  },

  delay: ({ dialTimer }, { backoff }) => dialTimer.wait(backoff),

  /** A leg serves from here on: a fresh one, or the old one again. */
  serve(to, { leg: number }) {
    const { session, audience, handoverRecord, legs, state, dials } = to
    // Its place in a spread was another leg's.
    to.dialTimer.clear()
    const leg = legs.get(number)
    if (!leg?.welcome) return
    to.limits.ageFrom(leg.dialledAt)
    if (handoverRecord.lost(number)) return tellRefused(to, leg)
    const { old } = state
    // What any of this tells may have stopped everything.
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

/** That leg serves on, or again. */
function tellRefused({ audience }: Carrier, leg: HandoverLeg | undefined) {
  for (const error of leg?.takeRefusals().values() ?? []) audience.emit('error', { error })
}
