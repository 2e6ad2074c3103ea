import { LiveSocketError } from '../base/errors.js'
import type { TopicAnswer, TopicRequest } from '../protocol/frames.js'
import { serialise } from '../protocol/json.js'

/** A message in the simulated log. */
export interface LoggedMessage {
  readonly topic: string
  readonly epoch: string
  readonly offset: number
  readonly data: unknown
}

/** The log of topics that all simulated servers share, and what can happen to it. */
export interface SimulatedLog {
  /**
   * Keeps a copy of the data as JSON has it. Throws a `LiveSocketError` `invalid` for data that JSON cannot express.
   */
  append(topic: string, data: unknown): LoggedMessage
  /** The answer to a leg that asks for the topic from there, as the protocol's `welcome` has it. */
  answer(topic: string, asked: TopicRequest): TopicAnswer
  /** The messages of the present epoch after that offset that are still kept. */
  after(topic: string, offset: number): readonly LoggedMessage[]
  /** Forgets all messages of the topic but the newest `keep`. Default 0. */
  trim(topic: string, keep?: number): void
  /** The topic starts a new epoch, without history. */
  loseEpoch(topic: string): void
  /** Whether legs resume from a position. Without history every leg begins at the head. */
  history: boolean
  /** Everything appended so far, in order; at least the last 100,000 messages. */
  readonly published: readonly LoggedMessage[]
  /** Listeners are called in the order in which they were added. Returns a function that removes the listener. */
  listen(listener: (topic: string, change: 'message' | 'epoch') => void): () => void
}

/** How many messages of one topic are kept. */
const KEPT = 10_000

const PUBLISHED = 100_000

export function createSimulatedLog(): SimulatedLog {
  interface Topic {
    epoch: string
    head: number
    kept: LoggedMessage[]
  }
  const topics = new Map<string, Topic>()
  const listeners = new Set<(topic: string, change: 'message' | 'epoch') => void>()
  const published: LoggedMessage[] = []
  let epochs = 0

  function topicOf(name: string): Topic {
    let topic = topics.get(name)
    if (!topic) topics.set(name, (topic = { epoch: `epoch-${++epochs}`, head: 0, kept: [] }))
    return topic
  }
  const tell = (topic: string, change: 'message' | 'epoch') => {
    for (const listener of [...listeners]) listener(topic, change)
  }
  const log: SimulatedLog = {
    history: true,
    published,
    append(name, given) {
      const data = copied(name, given)
      const topic = topicOf(name)
      const message = { topic: name, epoch: topic.epoch, offset: ++topic.head, data }
      topic.kept.push(message)
      published.push(message)
      if (published.length >= 2 * PUBLISHED) published.splice(0, PUBLISHED)
      // Cut in large steps: a shift for each message would copy ten thousand every time.
      if (topic.kept.length >= 2 * KEPT) topic.kept = topic.kept.slice(-KEPT)
      tell(name, 'message')
      return message
    },
    answer(name, asked) {
      const { epoch, head, kept } = topicOf(name)
      const beforeOldest = head - kept.length
      const after =
        !asked || !log.history
          ? head
          : asked.last !== undefined
            ? Math.max(head - asked.last, beforeOldest)
            : asked.epoch === epoch
              ? Math.max(asked.offset, beforeOldest)
              : beforeOldest
      return { epoch, offset: head, after }
    },
    after(name, offset) {
      const { head, kept } = topicOf(name)
      return kept.slice(Math.max(0, kept.length - (head - offset)))
    },
    trim(name, keep = 0) {
      const topic = topicOf(name)
      topic.kept = keep > 0 ? topic.kept.slice(-keep) : []
    },
    loseEpoch(name) {
      topics.delete(name)
      topicOf(name)
      tell(name, 'epoch')
    },
    listen(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
  }
  return log
}

/** A copy, as in a real log: what the publisher changes afterwards is not in it. */
function copied(topic: string, data: unknown): unknown {
  if (data === null || typeof data === 'string' || typeof data === 'boolean') return data
  const written = serialise(data)
  if ('invalid' in written)
    throw new LiveSocketError('invalid', `What is published into "${topic}" is no JSON: ${written.invalid}.`, {
      topic,
      cause: written.cause,
    })
  return JSON.parse(written.json)
}
