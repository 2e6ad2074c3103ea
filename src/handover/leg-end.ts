import { brief, explain } from '../base/explanation.js'
import type { LegEnd } from '../legs/protocol-leg.js'
import { closeVerdict } from '../policy/close-verdict.js'
import { legFailure } from '../policy/leg-failure.js'
import type { HandoverLeg } from './handover-leg.js'
import type { LiveSocketEvents } from './events.js'
import type { Handover } from './handover.js'
import { askOnClose } from './option-callbacks.js'

/** The leg is silent: it did not answer a ping. */
export function fellSilent(handover: Handover, leg: HandoverLeg): void {
  const { evidence, dials, state } = handover
  evidence.hint()
  if (leg.number === state.old?.leg) return handover.dispatch({ type: 'old-done' })
  if (leg.number !== state.active?.leg) return
  dials.inVain = leg.url
  handover.leave('silence')
}

/** A leg has ended on its own, or its dial failed. */
export function ended(handover: Handover, leg: HandoverLeg, end: LegEnd): void {
  const { settings, session, audience, handoverRecord, legs, dials, evidence } = handover
  const { code, reason, opened, error } = end
  const { number, url, suspect, leaving } = leg
  const welcomed = leg.welcome !== null
  const wanted = opened ? askOnClose(settings.onClose, { code, reason }, audience) : undefined
  // `onClose`, or a listener of the last events, may have ended this leg or the session.
  if (legs.get(number) !== leg) return
  const { state } = handover
  legs.delete(leg)
  if (!welcomed && url !== '') dials.inVain = url
  if (opened) dials.placed = false
  if (!welcomed && opened && !error) dials.slow++
  const close = {
    ...end,
    url,
    welcomed,
    onlyMe: leg.silentSince !== null || evidence.onlyMe,
    leaving: evidence.mayBeLeaving && leaving,
    asked: number === state.active?.leg && state.active.ask?.by === 'server',
  }
  const verdict = closeVerdict(close, wanted)
  if (verdict.bad) {
    audience.report(explain`The server closed the connection with ${code}: the two sides do not understand each other.`)
  }
  if (verdict.backoff === 'busy') tellBusy(handover, leg, verdict.retryAfter)
  // No other leg serves.
  const alone = [state.active, state.old].every((seat) => !seat || seat.leg === number)
  if (alone) audience.outage.failed(legFailure(close, verdict, brief ? undefined : globalThis.location?.origin))
  if (verdict.do === 'renew-token') refusedToken(handover, leg, alone)
  tellGone({ session, audience, handoverRecord }, { leg: number, code, reason, by: 'server' })
  // A listener may have started another session, whose legs have the same numbers.
  if (handover.session !== session) return
  handover.dispatch({ type: 'died', leg: number, code, verdict, opened, lasted: leg.lasted })
  // If the end says nothing about the server, there is no reason to wait: a dial from before the hint, or a leg that
  // only this client lost.
  if ((suspect && !opened) || verdict.backoff === 'early') handover.dialSooner()
}

/**
 * Tells the server that asked for the handover that the next server has no room, so that it can adjust its drain rate.
 */
function tellBusy({ state, legs }: Handover, { number }: HandoverLeg, retryAfter: number | undefined) {
  const { active, standby } = state
  if (number !== standby?.leg || active?.ask?.by !== 'server') return
  legs.get(active.leg)?.send({ type: 'delayed', id: active.ask.id, retryAfter })
}

/** Reports that a leg has ended. */
export function tellGone(
  { session, audience, handoverRecord }: Pick<Handover, 'session' | 'audience' | 'handoverRecord'>,
  closed: LiveSocketEvents['leg-closed'],
): void {
  session.gone(closed.leg)
  audience.emit('leg-closed', closed)
  handoverRecord.gone(closed.leg)
}

/**
 * If the refused leg is the session's only one, the token is bad, and two fresh tokens refused in a row end the
 * session. On a standby leg the new server may as well be wrong: one fresh token is fetched, and if that one is refused
 * too, nothing changes.
 */
function refusedToken({ session, state, dials }: Handover, leg: HandoverLeg, alone: boolean) {
  if (alone) return session.tokens.rejected(leg.token)
  if (leg.number === state.old?.leg || dials.doubted) return
  dials.doubted = true
  session.tokens.request()
}
