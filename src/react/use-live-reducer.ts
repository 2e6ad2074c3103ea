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

/** Where a reducer begins, and who hears of gaps and refusals. */
export interface ReducerOptions<Topics extends object, State> extends TopicOptions<Topics> {
  /**
   * Fetches where the state begins, with the position that it belongs to; asked again after a gap. Then `from` counts
   * for nothing.
   */
  readonly load?: LoadSnapshot<State>
}

/** What the hooks that are a reducer say of it besides. */
export interface ReducerExtent {
  /** What the options of another hook load is no state of this one. */
  readonly load: undefined
  /** It begins anew where this is another one, as it does with another topic. */
  readonly place?: string
  /** For how long it goes on when it has ended, ms. Default: that of `fold`. */
  readonly release?: number
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
  options: ReducerOptions<Topics, State> = {},
): State {
  const { from, release } = options as typeof options & Partial<ReducerExtent>
  // A later render may be the first that listens.
  const onGap = (gap: Gap) => options.onGap?.(gap)
  return useTopicStore(topic, initial, { ...options, onGap, reducer }, (socket, of, { onGap, reducer, load }) => {
    // What comes between the first render and its effect is folded all the same.
    const start: FoldOptions<State> & Partial<FirstRender> = load
      ? { load }
      : from
        ? { from }
        : createFirstRender(socket, of)
    return {
      ...foldUntil(socket, of, reducer as Reducer<State>, initial, start, release),
      begin: start.begin,
      // Told before the message that comes after the gap.
      open: () => socket.on('gap', (gap) => gap.topic === of && onGap(gap)),
    }
  })
}
