'use client'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useReduction } from './use-reduction.js'

/**
 * The data of the topic's latest message, beginning with the newest that the server keeps; `undefined` if there is
 * none. Of several messages within one animation frame the component sees only the last. If every message counts, use
 * `useLiveMessages` or `useLiveReducer`.
 */
export function useLiveValue<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  options: TopicOptions<Topics> = {},
): Topics[Topic] | undefined {
  return useReduction<Topic, Topics[Topic] | undefined, Topics>(topic, (_, data) => data, undefined, options, {
    from: options.from ?? { last: 1 },
  })
}
