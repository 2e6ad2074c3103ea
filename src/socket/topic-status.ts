import type { Subscriptions, TopicStatus } from '../topics/subscriptions.js'
import type { ReadableStore } from './store.js'

/** The status of a topic, which is subscribed while somebody listens. */
export function createTopicStatus(
  { add, status }: Pick<Subscriptions, 'add' | 'status'>,
  topic: string,
): ReadableStore<TopicStatus> {
  return {
    getState: () => status(topic),
    getInitialState: () => 'pending',
    subscribe(listener) {
      let told = status(topic)
      const undo = add(
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
