'use client'
import type { TopicStatus } from '../topics/subscriptions.js'
import type { RegisteredTopics, SocketOf, TopicName } from './register.js'
import { useTopicStore, type TopicStore } from './use-topic-store.js'

/**
 * Whether the topic is served: `pending` until the server answers (and for a topic of `null`), then `live`, or the
 * `LiveSocketError` with which the server refuses it. It tells an empty list from one that the server refuses. The
 * component renders when the status changes. The topic is subscribed, as by every topic hook. On a server, and while it
 * hydrates, the status is `pending`.
 */
export function useTopicStatus<Topics extends object = RegisteredTopics>(
  topic: TopicName<Topics> | null,
  { socket }: { readonly socket?: SocketOf<Topics> } = {},
): TopicStatus {
  // Only `socket` is passed on: an object of options may have others, for the hook for which it was made.
  return useTopicStore(topic, 'pending', { socket }, (of, topic): TopicStore<TopicStatus> => of.topicStatus(topic))
}
