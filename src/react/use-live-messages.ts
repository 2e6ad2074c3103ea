'use client'
import type { Reducer } from '../socket/fold-options.js'
import type { MessageInfo } from '../topics/message.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useTopicFold } from './use-topic-fold.js'

/**
 * Calls `handler` for every message of the topic, once and in order, beginning where the topic was at the first render.
 * It is always the handler of the last committed render that is called; a new one subscribes nothing anew, and no
 * message renders anything by itself. Disabled and enabled again, it begins anew, from that moment on.
 */
export function useLiveMessages<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  handler: (data: Topics[Topic], message: MessageInfo<Topic>) => void,
  options: TopicOptions<Topics> = {},
): void {
  const { enabled = true, from } = options
  const tell: Reducer<undefined> = (_, data, message) =>
    void handler(data as Topics[Topic], message as MessageInfo<Topic>)
  useTopicFold(enabled ? topic : null, tell, undefined, {
    ...options,
    // A new object in every render may say the same.
    place: JSON.stringify(from),
    // Who is not there any more is called for nothing.
    release: 0,
  })
}
