'use client'
import type { FoldOptions, Reducer } from '../socket/fold-options.js'
import { foldUntil } from '../socket/reading.js'
import type { MessageInfo } from '../topics/message.js'
import { createFirstRender, type FirstRender } from './first-render.js'
import type { TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useTopicStore } from './use-topic-store.js'

/** Where a reduction begins, and how long it goes on. Options that hooks share say nothing of it unless a hook passes it on. */
export interface ReductionExtent<State> extends Pick<FoldOptions<State>, 'load' | 'from'> {
  /** When this changes the state begins anew, as it does for another topic. */
  readonly place?: string
  /** Milliseconds that it goes on after its last listener. Default: that of `fold`. */
  readonly release?: number
}

/** What all hooks that fold messages into a state are built on; `useLiveReducer` says what it does. */
export function useReduction<Topic extends TopicName<Topics>, State, Topics extends object>(
  topic: Topic | null,
  reducer: (state: State, data: Topics[Topic], message: MessageInfo<Topic>) => State,
  initial: State,
  options: TopicOptions<Topics>,
  { load, from, place, release }: ReductionExtent<State>,
): State {
  return useTopicStore(
    topic,
    initial,
    { ...options, reducer, load, place },
    (socket, of, { reducer, load }, latest) => {
      // Messages between the first render and its effect are folded too.
      const start: FoldOptions<State> & Partial<FirstRender> = load
        ? { load }
        : from
          ? { from }
          : createFirstRender(socket, of)
      return {
        ...foldUntil(socket, of, reducer as Reducer<State>, initial, start, release),
        begin: start.begin,
        // The gap is reported before the message that follows it, also to an `onGap` that only a later render has.
        open: () => socket.on('gap', (gap) => gap.topic === of && latest().onGap?.(gap)),
      }
    },
  )
}
