import type { ClientFrame, TopicAnswers } from '../../protocol/frames.js'
import { LOG_AWAY } from '../failure.js'
import { dropSlow } from './leg-end.js'
import type { LegState } from './leg-state.js'
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
    // The leg, and what it has, is none the worse for it.
    for (const topic of topics.keys()) refuse(leg, id)({ ...LOG_AWAY, topic })
    return
  }
  if (leg.phase !== 'live') return leg.topics.drop(prepared)
  joinTopics(leg, prepared, id, (answers) => leg.socket.send({ type: 'subscribed', id, topics: answers }))
}

/** @param id of the `subscribe` that asked for it, where one did. */
export function joinTopics<User>(
  leg: LegState<User>,
  prepared: PreparedTopics,
  id: string | undefined,
  named: (answers: TopicAnswers) => void,
): void {
  leg.topics.join(prepared, { refused: refuse(leg, id), named })
}

export function refuse<User>(leg: LegState<User>, id: string | undefined): (why: TopicRefusal) => void {
  return (why) => {
    leg.socket.send({ type: 'error', ...why, ...(id === undefined ? undefined : { id }) })
    // One question can have thousands of answers.
    if (leg.socket.owed() > leg.deps.limits.maxBuffered) dropSlow(leg)
  }
}
