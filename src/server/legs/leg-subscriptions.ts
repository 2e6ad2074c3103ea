import type { ClientFrame } from '../../protocol/frames.js'
import { presenceOf } from '../../protocol/own-topics.js'
import { LOG_AWAY } from '../failure.js'
import { dropSlow } from './leg-end.js'
import { isEnded, type LegState } from './leg-state.js'
import type { PreparedTopics, TopicRefusal } from './leg-topics.js'

/** Answers a `subscribe`. */
export async function subscribe<User>(
  leg: LegState<User>,
  { id, topics }: Extract<ClientFrame, { type: 'subscribe' }>,
): Promise<void> {
  await leg.socket.settled()
  let prepared: PreparedTopics
  try {
    prepared = await leg.topics.prepare(topics, leg.who!)
  } catch (error) {
    leg.deps.onError(error, 'subscribing')
    // The leg, and its other topics, are not affected.
    for (const topic of topics.keys()) refuse(leg, id)({ ...LOG_AWAY, topic })
    return
  }
  await refuseTopics(leg, prepared, id)
  if (leg.phase !== 'live') return leg.topics.drop(prepared)
  leg.topics.join(prepared, (answers) => leg.socket.send({ type: 'subscribed', id, topics: answers }))
}

/**
 * Sends the refusals as fast as the client reads them: one question can have thousands of answers.
 *
 * @param id of the `subscribe` that asked for the topics, if one did.
 * @param reads called whenever the client has read what it was sent.
 */
export async function refuseTopics<User>(
  leg: LegState<User>,
  prepared: PreparedTopics,
  id: string | undefined,
  reads?: () => void,
): Promise<void> {
  for (const why of leg.topics.refuse(prepared)) {
    if (isEnded(leg)) return
    tell(leg, why, id)
    const settled = leg.socket.settled()
    if (!settled) continue
    await settled
    if (!isEnded(leg)) reads?.()
  }
}

export function refuse<User>(leg: LegState<User>, id: string | undefined): (why: TopicRefusal) => void {
  return (why) => {
    tell(leg, why, id)
    if (leg.socket.owed() > leg.deps.limits.maxBuffered) dropSlow(leg)
  }
}

function tell<User>({ socket, who, deps }: LegState<User>, why: TopicRefusal, id: string | undefined) {
  socket.send({ type: 'error', ...why, ...(id === undefined ? undefined : { id }) })
  // A user who may not see the presence of a topic is not shown there either, whatever the session was allowed before.
  const topic = why.code === 'forbidden' ? presenceOf(why.topic) : null
  if (topic) deps.presence?.lost(topic, who!)
}
