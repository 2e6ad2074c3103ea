import type { ClientFrame, TopicAnswers } from '../../protocol/frames.js'
import { LOG_AWAY, UNTOLD } from '../failure.js'
import { fail, refusal, release, tellSession } from './leg-end.js'
import { isEnded, type LegState } from './leg-state.js'
import { joinTopics } from './leg-subscriptions.js'
import { askWho, lifetime, type Known } from './leg-token.js'

type Hello = Extract<ClientFrame, { type: 'hello' }>

/** Takes a hello: who it is, whether the session is free for it, and what it reads. Then it is welcomed. */
export async function greet<User>(leg: LegState<User>, hello: Hello): Promise<void> {
  const { deps } = leg
  try {
    begin(leg, hello)
    const known = await identify(leg, hello)
    if (!known || !(await admit(leg, hello, known))) return
    const prepared = await leg.topics.prepare(hello.topics, leg.who!)
    if (isEnded(leg)) return leg.topics.drop(prepared)
    leg.phase = 'live'
    leg.rate = deps.rates.join(hello.session)
    deps.hellos.clear(leg)
    leg.flight.welcomed()
    joinTopics(leg, prepared, undefined, (answers) => welcome(leg, known, answers))
    tellWelcomed(leg, hello)
  } catch (error) {
    deps.onError(error, 'greeting a leg')
    fail(leg, LOG_AWAY)
  }
}

/** It took too long: `hellos` rings. */
export function tooLate<User>(leg: LegState<User>): void {
  // Who is asked who it is has as long, and says so itself.
  if (leg.asking) return
  fail(leg, leg.phase === 'opened' ? { code: 'timeout', message: 'The hello took too long.' } : LOG_AWAY)
}

function begin<User>(leg: LegState<User>, hello: Hello) {
  leg.phase = 'greeting'
  leg.arrival.said()
  leg.session = hello.session
  leg.number = hello.leg
  // One time for both: who it is, and then what the log says.
  leg.deps.hellos.set(leg)
}

/** Null: it has been refused, or is gone. */
async function identify<User>(leg: LegState<User>, { session, token }: Hello): Promise<Known<User> | null> {
  const { clock, limits } = leg.deps
  const endsAt = clock.monotonic() + limits.helloTimeout
  leg.asking = askWho(leg, session, token)
  const known = await leg.asking.answer
  leg.asking = null
  if (leg.phase !== 'greeting') return null
  if (known.outcome === 'known' && clock.monotonic() < endsAt) return known
  fail(leg, known.outcome === 'known' ? UNTOLD : refusal(known.outcome))
  return null
}

/** Whether the log took it in, and it is still here. */
async function admit<User>(leg: LegState<User>, hello: Hello, known: Known<User>): Promise<boolean> {
  const { session, leg: number, token } = hello
  const admission = await leg.deps.log.admit(session, number, known.subject)
  if (admission.outcome === 'admitted') {
    leg.who = { session, user: known.user, subject: known.subject, token: token !== undefined }
    if (admission.first) tellSession(leg, 'joined')
    if (!isEnded(leg)) return true
    release(leg)
  } else if (admission.outcome === 'superseded')
    fail(leg, { code: 'superseded', message: `This session has a leg ${number} or a newer one already.` })
  else fail(leg, { code: 'forbidden', message: 'This session belongs to somebody else.' })
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
  deps.onEvent({
    type: 'leg-welcomed',
    session,
    leg: number,
    ...(handover === undefined ? undefined : { handover }),
  })
  deps.welcomed(leg)
  leg.arrival.welcomed()
}
