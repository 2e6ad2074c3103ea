import type { Subscriptions, TopicStatus } from '../topics/subscriptions.js'
import type { ReadableStore } from './store.js'

/** The status of a topic, which is subscribed while somebody listens. */
export function createTopicStatus(
  subscriptions: Pick<Subscriptions, 'add' | 'status'>,
  topic: string,
): ReadableStore<TopicStatus> {
  return {
    getState: () => subscriptions.status(topic),
    getInitialState: () => 'pending',
    subscribe(listener) {
      let told = subscriptions.status(topic)
      const undo = subscriptions.add(
        topic,
        () => {},
        undefined,
        false,
        (now) => {
          const before = told
          told = now
          if (now !== before) listener(now, before)
        },
      )
      // Who comes back at once, as in a StrictMode or a hot-reload remount, finds the topic still subscribed.
      return () => queueMicrotask(undo)
    },
  }
}
