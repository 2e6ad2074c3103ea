import type { ClientFrame, TopicAnswers } from '../../protocol/frames.js'
import { LOG_AWAY, UNTOLD, type Failure } from '../failure.js'
import { callOut } from '../reporter.js'
import { dropSlow, fail, refusal, release, tellSession } from './leg-end.js'
import { pong } from './leg-serving.js'
import { isEnded, nameOf, type LegState } from './leg-state.js'
import { refuseTopics } from './leg-subscriptions.js'
import { askWho, lifetime, type Known } from './leg-token.js'

type Hello = Extract<ClientFrame, { type: 'hello' }>

/** Takes a `hello`; its greeting begins when its turn comes. */
export function arrive<User>(leg: LegState<User>, hello: Hello): void {
  leg.phase = 'greeting'
  leg.arrival.said()
  leg.session = hello.session
  leg.number = hello.leg
  leg.deps.arrived()
  leg.deps.hellos.clear(leg)
  leg.place = leg.deps.admission.enter({
    address: leg.arrival.address,
    ...(hello.timeout === undefined ? undefined : { patience: hello.timeout }),
    begin: () => void greet(leg, hello),
    busy: (room) => fail(leg, { code: 'busy', message: 'Other clients are being greeted first.', ...room }),
    waits: () => pong(leg),
  })
}

/** Finds out who it is, whether the session admits it, and what it may read. Then the leg is welcomed. */
async function greet<User>(leg: LegState<User>, hello: Hello): Promise<void> {
  const { deps } = leg
  try {
    // One time limit for both: who it is, and then the log's answers.
    deps.hellos.set(leg)
    leg.learning = []
    const known = await identify(leg, hello)
    if (!known || !(await admit(leg, hello, known))) return
    const prepared = await leg.topics.prepare(hello.topics, leg.who!)
    // What is left to do waits only for the leg's own client.
    leave(leg, false)
    await refuseTopics(leg, prepared, undefined, () => deps.hellos.set(leg))
    if (isEnded(leg)) return leg.topics.drop(prepared)
    leg.phase = 'live'
    leg.rate = deps.rates.join(hello.session)
    deps.hellos.clear(leg)
    leg.welcomedAt = deps.clock.monotonic()
    leg.flight.welcomed()
    leg.topics.join(prepared, (answers) => welcome(leg, known, answers))
    tellWelcomed(leg, hello)
  } catch (error) {
    deps.onError(error, 'greeting a leg')
    untold(leg, LOG_AWAY)
  }
}

/** Its time is over: called by `hellos`. */
export function tooLate<User>(leg: LegState<User>): void {
  // The call of `authenticate` has the same time limit, and reports it itself.
  if (leg.asking) return
  if (leg.phase === 'opened') fail(leg, { code: 'timeout', message: 'The hello took too long.' })
  else if (leg.place === null) dropSlow(leg)
  else untold(leg, LOG_AWAY)
}

/** Gives its place to another. `failed`: it could not be decided whether the leg may come in. */
function leave<User>(leg: LegState<User>, failed: boolean) {
  leg.place?.ended(failed)
  leg.place = null
}

/** Neither admitted nor refused: the client comes back when there is room. */
function untold<User>(leg: LegState<User>, failure: Failure) {
  leave(leg, true)
  fail(leg, { ...failure, ...leg.deps.admission.room() })
}

function turnDown<User>(leg: LegState<User>, failure: Failure) {
  leave(leg, false)
  fail(leg, failure)
}

/** Null if the leg was refused, or is gone. */
async function identify<User>(leg: LegState<User>, { session, token }: Hello): Promise<Known<User> | null> {
  const { clock, limits, hellos } = leg.deps
  const endsAt = clock.monotonic() + limits.helloTimeout
  leg.asking = askWho(leg, session, token)
  const known = await leg.asking.answer
  leg.asking = null
  if (leg.phase !== 'greeting') return null
  if (known.outcome === 'known') {
    // In that case it was this process that stood still, so the rest of the greeting gets its full time.
    if (clock.monotonic() >= endsAt) hellos.set(leg)
    return known
  }
  if (known.outcome === 'refused') turnDown(leg, refusal(known.outcome))
  else untold(leg, UNTOLD)
  return null
}

/** Whether the log admitted the leg, and it is still here. */
async function admit<User>(leg: LegState<User>, hello: Hello, known: Known<User>): Promise<boolean> {
  const { deps } = leg
  const { session, leg: number, token } = hello
  const admission = await deps.log.admit(session, number, known.subject)
  if (admission.outcome === 'admitted') {
    leg.who = { session, user: known.user, subject: known.subject, token: token !== undefined }
    if (admission.first) tellSession(leg, 'joined')
    const { learning, who } = leg
    leg.learning = null
    // Each is a question of its own, and what it throws is no fault of the leg that it is about.
    for (const then of learning ?? [])
      callOut(
        () => then(who),
        (error) => deps.onError(error, 'matching a session'),
      )
    if (!isEnded(leg)) return true
    release(leg)
  } else if (admission.outcome === 'superseded')
    turnDown(leg, { code: 'superseded', message: `This session has a leg ${number} or a newer one already.` })
  else turnDown(leg, { code: 'forbidden', message: 'This session belongs to somebody else.' })
  return false
}

function welcome<User>(leg: LegState<User>, known: Known<User>, topics: TopicAnswers) {
  const { deps, socket } = leg
  const reconnectSpread = deps.reconnectSpread()
  socket.send({
    type: 'welcome',
    server: deps.id,
    topics,
    heartbeat: deps.heartbeat,
    ...lifetime(leg, known),
    maxFrame: deps.limits.maxFrame,
    ...(reconnectSpread === undefined ? undefined : { reconnectSpread }),
  })
}

function tellWelcomed<User>(leg: LegState<User>, { session, leg: number, handover }: Hello) {
  const { deps } = leg
  deps.counters.welcomed++
  deps.stopwatch.greeting.add(leg.welcomedAt - leg.openedAt)
  deps.onEvent({
    type: 'leg-welcomed',
    ...nameOf(leg),
    session,
    leg: number,
    ...(handover === undefined ? undefined : { handover }),
  })
  deps.welcomed(leg)
  leg.arrival.welcomed()
}
