'use client'
import type { TopicStatus } from '../topics/subscriptions.js'
import type { RegisteredTopics, SocketOf, TopicName } from './register.js'
import { useTopicStore, type TopicStore } from './use-topic-store.js'

/**
 * Whether the topic is served: `pending` until the server has answered (and for a topic of `null`), then `live`, or the
 * `LiveSocketError` with which the server refuses it: an empty list is then not just empty. The component renders when
 * it is another one. The topic is subscribed, as by every topic hook. On a server, and while it hydrates, it is
 * `pending`.
 */
export function useTopicStatus<Topics extends object = RegisteredTopics>(
  topic: TopicName<Topics> | null,
  { socket }: { readonly socket?: SocketOf<Topics> } = {},
): TopicStatus {
  // What else an object of options says is for the hook that it was made for.
  return useTopicStore(topic, 'pending', { socket }, (of, topic): TopicStore<TopicStatus> => of.topicStatus(topic))
}
