import { createAlarm } from '../../base/alarm.js'
import { CLOSE_CODES, UNTOLD, type Failure } from '../failure.js'
import { callOut } from '../reporter.js'
import { isEnded, nameOf, type LegState } from './leg-state.js'

export type Answers = 'all' | 'under way'

/** Tells the leg why, and closes it. */
export function fail<User>(leg: LegState<User>, failure: Failure, answers: Answers = 'under way'): void {
  if (isEnded(leg)) return
  const { deps, queue, topics } = leg
  const live = leg.phase === 'live'
  leg.phase = 'ending'
  leg.arrival.ending()
  stopWaiting(leg)
  deps.counters.failed[failure.code] = (deps.counters.failed[failure.code] ?? 0) + 1
  deps.onEvent({ type: 'leg-failed', ...nameOf(leg), code: failure.code, message: failure.message })
  if (answers === 'under way') {
    queue?.stop()
    // A leg that may not be here any more gets no further messages.
    topics.leaveAll()
  }
  if (live && queue && queue.size > 0) afterAnswers(leg, failure)
  else close(leg, failure)
}

/** The leg asks for more than it reads the answers of. */
export function dropSlow<User>(leg: LegState<User>): void {
  fail(leg, { code: 'too-slow', message: 'The client does not read what it is sent.' })
}

/** Why a leg whose token was refused, or could not be checked, is closed. */
export function refusal(outcome: 'refused' | 'untold'): Failure {
  return outcome === 'untold' ? UNTOLD : { code: 'unauthorized', message: 'The token is not valid.' }
}

/** Its socket has ended. What was received before is still applied, but nobody is left to answer. */
export function leave<User>(leg: LegState<User>): void {
  leg.phase = 'gone'
  stopWaiting(leg)
  leg.topics.leaveAll()
  leg.requests?.cancelAll()
  if (leg.rate) leg.deps.rates.leave(leg.rate)
  release(leg)
  leg.deps.onEvent({ type: 'leg-gone', ...nameOf(leg) })
  leg.arrival.gone()
  leg.deps.gone(leg)
}

/** Tells the log that a leg that it admitted is gone. */
export function release<User>(leg: LegState<User>): void {
  if (!leg.who || leg.phase !== 'gone') return
  const { log, onError, releasing } = leg.deps
  releasing(
    log.release(leg.who.session, leg.number!).then(
      ({ last }) => void (last && tellSession(leg, 'left')),
      (error: unknown) => onError(error, 'releasing a leg'),
    ),
  )
}

export function tellSession<User>(leg: LegState<User>, type: 'joined' | 'left'): void {
  const { session, user } = leg.who!
  callOut(
    () => leg.deps.onSession?.({ type, session, user }),
    (error) => leg.deps.onError(error, 'telling of a session'),
  )
}

function stopWaiting<User>(leg: LegState<User>) {
  leg.deps.hellos.clear(leg)
  leg.asking?.abandon()
  leg.place?.left()
  leg.place = null
  leg.fresh?.stop()
}

/** A client must learn of publishes that were applied before its leg closes. */
function afterAnswers<User>(leg: LegState<User>, failure: Failure) {
  const queue = leg.queue!
  const enough = createAlarm(leg.deps.clock, () => {
    queue.stop()
    close(leg, failure)
  })
  enough.set(leg.deps.limits.answerTimeout)
  void queue.idle().then(() => {
    enough.clear()
    close(leg, failure)
  })
}

function close<User>({ socket, topics, deps }: LegState<User>, { code, message, id, retryAfter, spread }: Failure) {
  topics.leaveAll()
  socket.send({
    type: 'error',
    code,
    message,
    ...(id === undefined ? undefined : { id }),
    ...(retryAfter === undefined ? undefined : { retryAfter }),
    ...(spread === undefined ? undefined : { spread }),
  })
  socket.close(CLOSE_CODES[code], code, deps.limits.closeTimeout)
}
