'use client'
import type { Reducer } from '../socket/fold-options.js'
import type { LoadSnapshot } from '../socket/snapshot-load.js'
import type { MessageInfo } from '../topics/message.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useTopicFold } from './use-topic-fold.js'

/** Where a reducer begins, and who hears of gaps and refusals. */
export interface ReducerOptions<Topics extends object, State> extends TopicOptions<Topics> {
  /**
   * Fetches where the state begins, with the position that it belongs to; asked again after a gap. Then `from` counts
   * for nothing.
   */
  readonly load?: LoadSnapshot<State>
}

/**
 * The state that the topic's messages add up to. Every one of them goes through the reducer, outside of React; the
 * component renders once an animation frame at most, and only when the state is another one. Another socket or topic
 * starts from `initial` again. Disabled, the state stays; enabled again, it goes on where it was, and what came in
 * between is folded too.
 *
 * On a server, and while it hydrates, it is `initial`.
 */
export function useLiveReducer<Topic extends TopicName<Topics>, State, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  reducer: (state: State, data: Topics[Topic], message: MessageInfo<Topic>) => State,
  initial: State,
  options?: ReducerOptions<Topics, State>,
): State {
  return useTopicFold(topic, reducer as Reducer<State>, initial, options)
}
