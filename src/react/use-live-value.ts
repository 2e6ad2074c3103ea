'use client'
import type { Reducer } from '../socket/fold-options.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useTopicFold } from './use-topic-fold.js'

/**
 * The data of the topic's latest message, beginning with the newest that is kept; `undefined` where there is none. The
 * latest one only: of those that come within one animation frame the component sees the last. Where every message counts, use `useLiveMessages` or
 * `useLiveReducer`.
 */
export function useLiveValue<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  options?: TopicOptions<Topics>,
): Topics[Topic] | undefined {
  return useTopicFold(topic, newest, undefined, { last: 1, ...options }) as Topics[Topic] | undefined
}

const newest: Reducer<unknown> = (_, data) => data
