'use client'
import type { MessageInfo } from '../topics/message.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useLiveReducer, type ReducerExtent } from './use-live-reducer.js'

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
  const tell = (_: undefined, data: Topics[Topic], message: MessageInfo<Topic>) => void handler(data, message)
  useLiveReducer<Topic, undefined, Topics>(enabled ? topic : null, tell, undefined, {
    ...options,
    load: undefined,
    // By what it says: an object may be a new one in every render.
    place: JSON.stringify(from),
    // Who is not there any more is called for nothing.
    release: 0,
  } as TopicOptions<Topics> & ReducerExtent)
}
