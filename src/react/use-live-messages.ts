'use client'
import type { MessageInfo } from '../topics/message.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useReduction } from './use-reduction.js'

/**
 * Calls `handler` for every message of the topic, once and in order, beginning where the topic was at the first render.
 * The handler of the last committed render is called; a new handler causes no new subscription, and no message renders
 * the component. After being disabled it begins again from the moment at which it is enabled.
 */
export function useLiveMessages<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  handler: (data: Topics[Topic], message: MessageInfo<Topic>) => void,
  options: TopicOptions<Topics> = {},
): void {
  const { enabled = true, from } = options
  const tell = (_: undefined, data: Topics[Topic], message: MessageInfo<Topic>) => void handler(data, message)
  useReduction<Topic, undefined, Topics>(enabled ? topic : null, tell, undefined, options, {
    from,
    // Compared by its content, because the object may be new in every render.
    place: JSON.stringify(from),
    // After its end no message is passed on.
    release: 0,
  })
}
