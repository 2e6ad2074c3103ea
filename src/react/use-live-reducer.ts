'use client'
import type { LoadSnapshot } from '../socket/snapshot-load.js'
import type { MessageInfo } from '../topics/message.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useReduction } from './use-reduction.js'

/** Where a reducer begins, and what is called for gaps and refusals. */
export interface ReducerOptions<Topics extends object, State> extends TopicOptions<Topics> {
  /** Fetches the first state and its position; called again after a gap. With `load`, `from` has no effect. */
  readonly load?: LoadSnapshot<State>
}

/**
 * The state that the topic's messages add up to. Every message goes through the reducer, outside of React. The
 * component renders at most once per animation frame, and only when the state has changed. Another socket or topic
 * starts from `initial` again. While disabled the state stays as it is; enabled again, it continues where it was, and
 * the messages that came in between are folded too.
 *
 * On a server, and while it hydrates, the state is `initial`.
 */
export function useLiveReducer<Topic extends TopicName<Topics>, State, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  reducer: (state: State, data: Topics[Topic], message: MessageInfo<Topic>) => State,
  initial: State,
  options: ReducerOptions<Topics, State> = {},
): State {
  return useReduction(topic, reducer, initial, options, options)
}
