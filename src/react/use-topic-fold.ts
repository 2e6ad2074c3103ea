'use client'
import type { FoldOptions, Reducer } from '../socket/fold-options.js'
import { foldUntil } from '../socket/reading.js'
import type { LoadSnapshot } from '../socket/snapshot-load.js'
import { createFirstRender, type FirstRender } from './first-render.js'
import type { TopicOptions } from './topic-options.js'
import { useTopicStore } from './use-topic-store.js'

interface TopicFoldOptions<State> extends TopicOptions<any> {
  readonly load?: LoadSnapshot<State> | undefined
  /** Without `from`: begin with so many of the newest messages that are kept. */
  readonly last?: number | undefined
  /** It begins anew where this is another one, as it does with another topic. */
  readonly place?: string | undefined
  /** For how long it goes on when it has ended, ms. Default: that of `fold`. */
  readonly release?: number
}

/** The state of a fold that begins where its topic was at the first render, unless it is told where. */
export function useTopicFold<State>(
  topic: string | null,
  reducer: Reducer<State>,
  initial: State,
  options: TopicFoldOptions<State> = {},
): State {
  const { last, from = last === undefined ? undefined : { last }, release } = options
  return useTopicStore(topic, initial, { ...options, reducer }, (socket, of, { reducer, load }) => {
    // What comes between the first render and its effect is folded all the same.
    const start: FoldOptions<State> & Partial<FirstRender> = load
      ? { load }
      : from
        ? { from }
        : createFirstRender(socket, of)
    return { ...foldUntil(socket, of, reducer, initial, start, release), begin: start.begin }
  })
}
