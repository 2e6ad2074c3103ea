'use client'
import type { FoldOptions, Reducer } from '../socket/fold-options.js'
import { foldUntil } from '../socket/reading.js'
import type { LoadSnapshot } from '../socket/snapshot-load.js'
import type { Gap } from '../topics/gap.js'
import type { MessageInfo } from '../topics/message.js'
import { createFirstRender, type FirstRender } from './first-render.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useTopicStore } from './use-topic-store.js'

/** Where a reducer begins, and what is called for gaps and refusals. */
export interface ReducerOptions<Topics extends object, State> extends TopicOptions<Topics> {
  /** Fetches the first state and its position; called again after a gap. With `load`, `from` has no effect. */
  readonly load?: LoadSnapshot<State>
}

/** Additional options of hooks that are built on this one. */
export interface ReducerExtent {
  /** What the options of another hook load is no state of this one. */
  readonly load: undefined
  /** When this changes the state begins anew, as it does for another topic. */
  readonly place?: string
  /** Milliseconds that it goes on after its last listener. Default: that of `fold`. */
  readonly release?: number
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
  const { from, release } = options as typeof options & Partial<ReducerExtent>
  // Read when a gap comes: a later render may be the first that has `onGap`.
  const onGap = (gap: Gap) => options.onGap?.(gap)
  return useTopicStore(topic, initial, { ...options, onGap, reducer }, (socket, of, { onGap, reducer, load }) => {
    // Messages between the first render and its effect are folded too.
    const start: FoldOptions<State> & Partial<FirstRender> = load
      ? { load }
      : from
        ? { from }
        : createFirstRender(socket, of)
    return {
      ...foldUntil(socket, of, reducer as Reducer<State>, initial, start, release),
      begin: start.begin,
      // The gap is reported before the message that follows it.
      open: () => socket.on('gap', (gap) => gap.topic === of && onGap(gap)),
    }
  })
}
