import type { Subscriptions, TopicStatus } from '../topics/subscriptions.js'
import type { ReadableStore } from './store.js'

/** The status of a topic, as a store. The topic is subscribed while the store has listeners. */
export function createTopicStatus(
  subscriptions: Pick<Subscriptions, 'add' | 'status'>,
  topic: string,
): ReadableStore<TopicStatus> {
  return {
    getState: () => subscriptions.status(topic) ?? 'pending',
    getInitialState: () => 'pending',
    subscribe(listener) {
      const watch = (now: TopicStatus, before: TopicStatus) => {
        if (now !== before) listener(now, before)
      }
      return subscriptions.add(topic, () => {}, watch)
    },
  }
}
