import type { ServerFrame, TopicAnswer, TopicRequests } from '../protocol/frames.js'
import { presenceOf } from '../protocol/own-topics.js'
import type { Behaviour, Cluster } from './simulated-cluster.js'

/** What one leg reads: its topics, and the position reached in each. */
export interface SimulatedReading {
  subscribe(asked: TopicRequests): { readonly answers: Map<string, TopicAnswer>; readonly refused: readonly string[] }
  /** Sends the log's messages after those that were sent. */
  pump(topic: string): void
  has(topic: string): boolean
  drop(topic: string): void
  clear(): void
}

interface Subscription {
  /** The last offset that was examined, and the last one that the client knows as visible. */
  at: number
  prev: number
  /** Messages up to this offset are replay. */
  readonly head: number
  waiting: boolean
}

export function createSimulatedReading(
  { log, settings, clock }: Cluster,
  behaviour: Behaviour,
  send: (frame: ServerFrame) => void,
): SimulatedReading {
  const topics = new Map<string, Subscription>()

  function mayRead(topic: string): boolean {
    // Whoever may read a topic may see who is present in it.
    return settings.authorize?.((settings.presence && presenceOf(topic)) || topic) !== false
  }
  const isSeen = (topic: string, data: unknown) =>
    presenceOf(topic) !== null || settings.filter?.(topic, data) !== false

  function pump(topic: string) {
    const subscription = topics.get(topic)
    if (!subscription || subscription.waiting) return
    // The offset of a hidden message, which is sent if no visible message follows at once.
    let hidden: number | null = null
    for (const { offset, data } of log.after(topic, subscription.at)) {
      // The log has forgotten messages in between. `prev` shows it: this message does not follow the previous one.
      if (offset > subscription.at + 1) subscription.prev = offset - 1
      subscription.at = offset
      if (!isSeen(topic, data)) {
        hidden = offset
        continue
      }
      hidden = null
      send({ type: 'message', topic, offset, prev: subscription.prev, data, hasData: true })
      subscription.prev = offset
      if (behaviour.replayInterval > 0 && offset <= subscription.head) {
        subscription.waiting = true
        clock.setTimeout(() => {
          subscription.waiting = false
          if (topics.get(topic) === subscription) pump(topic)
        }, behaviour.replayInterval)
        return
      }
    }
    if (hidden !== null) send({ type: 'message', topic, offset: hidden, prev: subscription.prev, hasData: false })
  }

  return {
    subscribe(asked) {
      const answers = new Map<string, TopicAnswer>()
      const refused: string[] = []
      for (const [topic, position] of asked) {
        if (!mayRead(topic)) {
          topics.delete(topic)
          refused.push(topic)
          continue
        }
        const reply = log.answer(topic, position)
        answers.set(topic, reply)
        topics.set(topic, { at: reply.after, prev: reply.after, head: reply.offset, waiting: false })
      }
      return { answers, refused }
    },
    pump,
    has: (topic) => topics.has(topic),
    drop: (topic) => void topics.delete(topic),
    clear: () => topics.clear(),
  }
}
