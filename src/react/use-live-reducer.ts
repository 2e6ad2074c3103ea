'use client'
import { useState, useSyncExternalStore } from 'react'
import type { FoldOptions } from '../socket/fold-options.js'
import type { MessageInfo } from '../topics/message.js'
import { fold as foldTopic } from '../socket/reading.js'
import type { LoadSnapshot } from '../socket/snapshot-load.js'
import { createFirstRender } from './first-render.js'
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
    if (topic === null) {
      const fold = { getState: () => initial, getInitialState: () => initial, subscribe: neverTold }
      return { socket, topic, fold, first: null }
    }
    const first = createFirstRender(socket, topic)
    const step = (state: State, data: Topics[Topic], message: MessageInfo<Topic>) =>
      latest.get().reducer(state, data, message)
    const start: FoldOptions<State> = load
      ? { load: (ask) => latest.get().load!(ask) }
      : {
          from,
          // What comes between this render and its effect is folded all the same.
          since: from ? undefined : first.position,
        }
    return {
      socket,
      topic,
      first: from || load ? null : first,
      fold: foldTopic(socket, topic, step, initial, {
        ...start,
        onError: onError && ((error) => latest.get().onError?.(error)),
      }),
    }
  }
  const [begun, setBegun] = useState(begin)
  let { fold, first } = begun
  if (begun.socket !== socket || begun.topic !== topic) {
    const next = begin()
    setBegun(next)
    fold = next.fold
    first = next.first
  }

  useGaps(socket, enabled ? topic : null, onGap)
  // React asks for the state in every render on a client, and in none on a server.
  const getState = () => {
    if (enabled) first?.mark()
    return fold.getState()
  }
  return useSyncExternalStore(enabled ? fold.subscribe : neverTold, getState, fold.getInitialState)
}

export const neverTold = () => () => {}
