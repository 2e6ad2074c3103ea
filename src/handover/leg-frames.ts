import { since } from '../base/clock.js'
import { bounded, bounds } from '../policy/bounds.js'
import { isAboutLeg } from '../policy/close-verdict.js'
import { checkRedirect } from '../policy/redirect.js'
import type { ErrorFrame, HandoverFrame, NackFrame, ServerFrame, WelcomeFrame } from '../protocol/frames.js'
import type { HandoverLeg } from './handover-leg.js'
import type { Handover } from './handover.js'
import { topicError } from './topic-error.js'

/** A frame has arrived on that leg. */
export function received(handover: Handover, leg: HandoverLeg, frame: ServerFrame): void {
  const { session, audience, evidence, dials } = handover
  evidence.heard()
  switch (frame.type) {
    case 'welcome':
      welcomed(handover, leg, frame)
      break
    case 'message':
      session.counters.received++
      session.merge.message(leg.number, frame)
      break
    case 'subscribed':
      session.merge.subscribed(leg.number, frame.id, frame.topics)
      break
    case 'ack':
      session.outbox?.acked(frame)
      break
    case 'signal':
      audience.signals.told(frame)
      break
    case 'nack':
      // Only ids of signals begin with a dot.
      if (frame.id[0] === '.') audience.signals.refused(patient(frame))
      else session.outbox?.nacked(patient(frame), leg.number)
      break
    case 'authed':
      session.tokens.accepted(leg.token, frame.tokenTtl)
      break
    case 'token':
      session.tokens.push(frame.token, frame.tokenTtl)
      break
    case 'handover':
      askedToHandOver(handover, leg, frame)
      break
    case 'handover-cancelled':
      handover.dispatch({ type: 'cancelled', leg: leg.number, id: frame.id })
      break
    case 'error':
      refused(handover, leg, patient(frame))
      break
    case 'drained':
      session.merge.drained?.(leg.number)
      break
    case 'pong':
      dials.spread = frame.reconnectSpread ?? dials.spread
  }
  handover.retireOld()
}

function welcomed(handover: Handover, leg: HandoverLeg, { server, tokenTtl, reconnectSpread }: WelcomeFrame) {
  const { settings, session, legs, dials } = handover
  dials.welcomed(reconnectSpread, since(settings.clock, leg.dialledAt))
  session.tokens.accepted(leg.token, tokenTtl)
  // A listener may have closed the socket or started another session.
  if (legs.get(leg.number) !== leg) return
  const same = server === legs.get(handover.state.active?.leg)?.welcome?.server
  handover.dispatch({ type: 'ready', leg: leg.number, same })
}

function askedToHandOver(handover: Handover, leg: HandoverLeg, frame: HandoverFrame) {
  const { settings, audience, legs, dials } = handover
  const { id, reason, deadline, spread = 0 } = frame
  let url: string | null = null
  if (frame.url !== undefined && dials.configured) {
    const verdict = checkRedirect(frame.url, dials.configured, settings.handover.redirectOrigins)
    if ('url' in verdict) url = verdict.url
    else audience.emit('redirect-refused', { reason: verdict.refused })
  }
  // A listener may have closed the socket.
  if (legs.get(leg.number) !== leg) return
  audience.emit('handover-requested', { id, reason, deadline, spread })
  handover.ask(leg.number, { id, reason, by: 'server', url, deadline, spread })
}

/** The frame with its `retryAfter` within bounds, for every part that waits that long: see `bounds`. */
function patient<Frame extends ErrorFrame | NackFrame>(frame: Frame): Frame {
  const { retryAfter } = frame
  return retryAfter === undefined ? frame : { ...frame, retryAfter: bounded(retryAfter, bounds.retryAfter) }
}

/**
 * The server refuses a topic, a publish or a `subscribe`. An error about the leg itself is handled at the leg's end.
 */
function refused(handover: Handover, leg: HandoverLeg, frame: ErrorFrame) {
  const { session, audience } = handover
  const { topic, id, retryAfter } = frame
  if (isAboutLeg(frame)) return
  if (topic !== undefined) {
    const error = topicError(frame, topic)
    if (!leg.welcome || isLeft(handover, leg)) return void (leg.refusals ??= new Map()).set(topic, error)
    session.merge.refused(leg.number, topic, retryAfter, id)
    return audience.refused(error)
  }
  session.outbox?.nacked({ ...frame, id: id! }, leg.number)
  // If it is the id of a `subscribe`, none of that one's topics has been answered.
  session.merge.subscribed(leg.number, id, new Map())
}

/**
 * Whether this leg is being left by a server that does not number messages. A server that shuts down ends its topics
 * first, and must not end what another leg still carries.
 */
function isLeft({ settings, state }: Handover, { number }: HandoverLeg): boolean {
  const { active, old } = state
  return settings.protocol.merge !== 'log' && (number === old?.leg || (number === active?.leg && active.ask !== null))
}
