'use client'
import { useState, useSyncExternalStore } from 'react'
import type { FoldOptions } from '../socket/fold-options.js'
import type { MessageInfo } from '../topics/message.js'
import { fold as foldTopic } from '../socket/reading.js'
import type { LoadSnapshot } from '../socket/snapshot-load.js'
import { useLatest } from './latest.js'
import { useSocket } from './provider.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useGaps } from './use-gaps.js'

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
  options: ReducerOptions<Topics, State> = {},
): State {
  const { enabled = true, from, load, onGap, onError } = options
  const socket = useSocket(options.socket)
  const latest = useLatest({ reducer, load, onError })

  const begin = () => {
    if (topic === null)
      return { socket, topic, fold: { getState: () => initial, getInitialState: () => initial, subscribe: neverTold } }
    const step = (state: State, data: Topics[Topic], message: MessageInfo<Topic>) =>
      latest.get().reducer(state, data, message)
    const start: FoldOptions<State> = load
      ? { load: (ask) => latest.get().load!(ask) }
      : {
          from,
          // What comes between this render and its effect is folded all the same: the fold starts where the topic is by
          // now.
          since: from || !enabled ? undefined : (socket.position(topic) ?? undefined),
        }
    return {
      socket,
      topic,
      fold: foldTopic(socket, topic, step, initial, {
        ...start,
        onError: onError && ((error) => latest.get().onError?.(error)),
      }),
    }
  }
  const [begun, setBegun] = useState(begin)
  let { fold } = begun
  if (begun.socket !== socket || begun.topic !== topic) {
    const next = begin()
    setBegun(next)
    fold = next.fold
  }

  useGaps(socket, enabled ? topic : null, onGap)
  return useSyncExternalStore(enabled ? fold.subscribe : neverTold, fold.getState, fold.getInitialState)
}

export const neverTold = () => () => {}
