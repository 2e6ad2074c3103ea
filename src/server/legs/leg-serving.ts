import { instant, type Instant } from '../../base/clock.js'
import type { ClientFrame } from '../../protocol/frames.js'
import type { Denial } from '../identity/permission.js'
import { OUTCOME_UNKNOWN } from '../log/topic-log.js'
import type { PublishFrame } from '../publishes/publisher.js'
import type { RequestFrame } from '../requests/answerer.js'
import { createLegRequests } from '../requests/leg-requests.js'
import { answerFrame } from '../topics/message-frame.js'
import { dropSlow, fail } from './leg-end.js'
import { nameOf, queueOf, type LegState } from './leg-state.js'
import { refuse, subscribe } from './leg-subscriptions.js'
import { refresh } from './leg-token.js'

type SignalFrame = Extract<ClientFrame, { type: 'signal' }>

/** Milliseconds after which a session that ignores its refusals, and therefore gets no more of them, may come back. */
const FLOOD_PAUSE = 5_000
const TOO_MANY = 'This leg has as many requests under way as limits.maxRequests allows.'

/** Serves a frame of a live leg. */
export function serve<User>(leg: LegState<User>, frame: ClientFrame, bytes: number): void {
  const wait = leg.rate!.take(bytes)
  // A repeat may have been applied, so it gets its answer, only later.
  const repeat = frame.type === 'publish' && frame.age !== undefined
  if (wait > 0 && !repeat && !isServedOverRate(leg, frame, bytes)) return
  switch (frame.type) {
    case 'hello':
      return fail(leg, { code: 'protocol', message: 'A leg says hello once.' })
    case 'subscribe':
      return queueOf(leg).change(bytes, frame.topics.keys(), () => subscribe(leg, frame))
    case 'unsubscribe':
      return queueOf(leg).change(bytes, frame.topics, async () =>
        frame.topics.forEach((topic) => leg.topics.leave(topic)),
      )
    case 'publish':
      return enqueue(leg, frame, bytes, wait)
    case 'request':
      return answer(leg, frame, bytes)
    case 'signal':
      return signal(leg, frame, bytes)
    case 'cancel':
      return leg.requests?.cancel(frame.id)
    case 'auth':
      return refresh(leg, frame.token)
    case 'delayed':
      return leg.deps.delayed(leg, frame.retryAfter ?? 0)
    case 'ping':
      return pong(leg)
  }
}

export function pong<User>({ deps, socket }: LegState<User>): void {
  const reconnectSpread = deps.reconnectSpread()
  socket.send({ type: 'pong', ...(reconnectSpread === undefined ? undefined : { reconnectSpread }) })
}

export function probe<User>(leg: LegState<User>): void {
  leg.published = false
  leg.probedAt = leg.deps.clock.monotonic()
  leg.socket.probe()
}

/** @param wait milliseconds until the rate of its session has room for it. */
function enqueue<User>(leg: LegState<User>, frame: PublishFrame, bytes: number, wait: number) {
  leg.published = true
  const arrived = instant(leg.deps.clock)
  const flight = leg.flight.longest()
  const due = wait > 0 ? arrived.monotonic + wait : 0
  queueOf(leg).publish(frame.topic, bytes, (next) => publish(leg, frame, { arrived, flight, due }, next))
}

async function publish<User>(
  leg: LegState<User>,
  frame: PublishFrame,
  { arrived, flight, due }: { readonly arrived: Instant; readonly flight: number; readonly due: number },
  next: () => void,
) {
  const { deps, socket } = leg
  const wait = due === 0 ? 0 : due - deps.clock.monotonic()
  if (wait > 0) await new Promise<void>((resolve) => void deps.clock.setTimeout(resolve, wait))
  // A leg that sends requests without reading their answers has to wait.
  const settled = socket.settled()
  if (settled) await settled
  deps.counters.published++
  const { session, user } = leg.who!
  const answer = await deps.publish({ frame, session, user, arrived, flight }, next)
  if (answer.type === 'nack') deps.counters.refused++
  // A log that has lost its state can vouch again for what is sent from now on.
  if (answer.type === 'nack' && answer.code === OUTCOME_UNKNOWN.code) probe(leg)
  socket.sendEncoded(answerFrame(frame.id, answer))
}

function answer<User>(leg: LegState<User>, frame: RequestFrame, bytes: number) {
  const { deps, socket } = leg
  leg.requests ??= createLegRequests<User>(deps.answer, deps.limits.maxRequests)
  const { requests } = leg
  if (requests.full()) return refuseNow(leg, frame.id, TOO_MANY, 1_000)
  deps.counters.requested++
  queueOf(leg).beside(bytes, async () => {
    const answered = await requests.answer(frame, leg.who!)
    await socket.settled()
    socket.sendEncoded(answered)
  })
}

function signal<User>(leg: LegState<User>, frame: SignalFrame, bytes: number) {
  const { deps, topics } = leg
  if (topics.signals(frame.topic) === null) return deps.signals.relay(frame.topic, frame.data, leg.who!)
  // The subscription to that topic may still be under way before it.
  queueOf(leg).publish(frame.topic, bytes, async () => {
    const known = topics.signals(frame.topic)
    const denial = known === undefined ? await topics.askSignals(frame.topic, leg.who!) : known
    if (leg.phase !== 'live') return
    if (denial) nack(leg, frame.id, denial)
    else deps.signals.relay(frame.topic, frame.data, leg.who!)
  })
}

function refuseNow<User>(leg: LegState<User>, id: string, message: string, retryAfter: number) {
  nack(leg, id, { code: 'busy', message, retryAfter })
}

function nack<User>(leg: LegState<User>, id: string, why: NonNullable<Denial>) {
  leg.socket.sendEncoded(answerFrame(id, { type: 'nack', ...why }))
  if (leg.socket.owed() > leg.deps.limits.maxBuffered) dropSlow(leg)
}

/** The session sends more than it may. The frame is refused if its type can be; true if it is served all the same. */
function isServedOverRate<User>(leg: LegState<User>, frame: ClientFrame, bytes: number): boolean {
  const { deps } = leg
  if (!leg.saidOverRate)
    deps.onEvent({ type: 'leg-over-rate', ...nameOf(leg), session: leg.who!.session, leg: leg.number! })
  leg.saidOverRate = true
  const retryAfter = leg.rate!.refuse(bytes)
  const busy = { code: 'busy', message: 'This session sends too much.' } as const
  if (retryAfter === null) {
    fail(leg, { ...busy, retryAfter: FLOOD_PAUSE }, 'all')
    return false
  }
  switch (frame.type) {
    case 'publish':
      deps.counters.published++
      deps.counters.refused++
      refuseNow(leg, frame.id, busy.message, retryAfter)
      return false
    case 'request':
    case 'signal':
      refuseNow(leg, frame.id, busy.message, retryAfter)
      return false
    case 'subscribe':
      for (const topic of frame.topics.keys()) refuse(leg, frame.id)({ ...busy, topic, retryAfter })
      return false
    default:
      return true
  }
}
