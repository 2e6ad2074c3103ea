import type { ClientFrame, TopicAnswers } from '../../protocol/frames.js'
import { LOG_AWAY, UNTOLD, type Failure } from '../failure.js'
import { callOut } from '../reporter.js'
import { dropSlow, fail, refusal, release, tellSession } from './leg-end.js'
import { pong } from './leg-serving.js'
import { isEnded, nameOf, type LegState } from './leg-state.js'
import { refuseTopics } from './leg-subscriptions.js'
import { askWho, lifetime, type Known } from './leg-token.js'

type Hello = Extract<ClientFrame, { type: 'hello' }>

/** Takes a hello: it is greeted in its turn. */
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
    busy: (room) => fail(leg, { code: 'busy', message: 'Others are being greeted.', ...room }),
    waits: () => pong(leg),
  })
}

/** Who it is, whether the session is free for it, and what it reads. Then it is welcomed. */
async function greet<User>(leg: LegState<User>, hello: Hello): Promise<void> {
  const { deps } = leg
  try {
    // One time for both: who it is, and then what the log says.
    deps.hellos.set(leg)
    leg.learning = []
    const known = await identify(leg, hello)
    if (!known || !(await admit(leg, hello, known))) return
    const prepared = await leg.topics.prepare(hello.topics, leg.who!)
    // What is left to do waits for nobody but its client.
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

/** It took too long: `hellos` rings. */
export function tooLate<User>(leg: LegState<User>): void {
  // Who is asked who it is has as long, and says so itself.
  if (leg.asking) return
  if (leg.phase === 'opened') fail(leg, { code: 'timeout', message: 'The hello took too long.' })
  else if (leg.place === null) dropSlow(leg)
  else untold(leg, LOG_AWAY)
}

/** Its place is another one's. `failed`: it could not be told whether it may come in. */
function leave<User>(leg: LegState<User>, failed: boolean) {
  leg.place?.ended(failed)
  leg.place = null
}

/** Neither yes nor no: it comes back when there is room. */
function untold<User>(leg: LegState<User>, failure: Failure) {
  leave(leg, true)
  fail(leg, { ...failure, ...leg.deps.admission.room() })
}

function turnDown<User>(leg: LegState<User>, failure: Failure) {
  leave(leg, false)
  fail(leg, failure)
}

/** Null: it has been refused, or is gone. */
async function identify<User>(leg: LegState<User>, { session, token }: Hello): Promise<Known<User> | null> {
  const { clock, limits, hellos } = leg.deps
  const endsAt = clock.monotonic() + limits.helloTimeout
  leg.asking = askWho(leg, session, token)
  const known = await leg.asking.answer
  leg.asking = null
  if (leg.phase !== 'greeting') return null
  if (known.outcome === 'known') {
    // Then it was this process that stood still: what is left has its time.
    if (clock.monotonic() >= endsAt) hellos.set(leg)
    return known
  }
  if (known.outcome === 'refused') turnDown(leg, refusal(known.outcome))
  else untold(leg, UNTOLD)
  return null
}

/** Whether the log took it in, and it is still here. */
async function admit<User>(leg: LegState<User>, hello: Hello, known: Known<User>): Promise<boolean> {
  const { deps } = leg
  const { session, leg: number, token } = hello
  const admission = await deps.log.admit(session, number, known.subject)
  if (admission.outcome === 'admitted') {
    leg.who = { session, user: known.user, subject: known.subject, token: token !== undefined }
    if (admission.first) tellSession(leg, 'joined')
    const { learning, who } = leg
    leg.learning = null
    // Each is somebody's own question, and what it throws is no fault of the leg that it is about.
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
