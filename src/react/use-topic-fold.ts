'use client'
import { useEffect, useState, useSyncExternalStore } from 'react'
import type { FoldOptions, Reducer } from '../socket/fold-options.js'
import { foldUntil } from '../socket/reading.js'
import type { LoadSnapshot } from '../socket/snapshot-load.js'
import { firstRender, type FirstRender } from './first-render.js'
import { useCallbacks } from './latest.js'
import { useSocket } from './provider.js'
import type { TopicOptions } from './topic-options.js'
import { constantStore, neverTold } from './use-store.js'

interface TopicFoldOptions<State> extends TopicOptions<any> {
  readonly reducer: Reducer<State>
  readonly load?: LoadSnapshot<State> | undefined
  /** It begins anew where this is another one, as it does with another topic. */
  readonly place?: string | undefined
  /** For how long it goes on when it has ended, ms. Default: that of `fold`. */
  readonly release?: number
}

/**
 * The state of a fold that begins where its topic was at the first render. The functions of the last committed render
 * are the ones that are called.
 */
export function useTopicFold<State>(topic: string | null, initial: State, options: TopicFoldOptions<State>): State {
  const { enabled = true, reducer, load, place } = options
  const socket = useSocket(options.socket)
  const calls = useCallbacks({ reducer, load, onGap: options.onGap, onError: options.onError })

  const begin = () => ({ socket, topic, place, ...createReading(socket, topic, initial, { ...options, ...calls }) })
  const [begun, setBegun] = useState(begin)
  let reading = begun
  if (begun.socket !== socket || begun.topic !== topic || begun.place !== place) setBegun((reading = begin()))
  const { fold, mark } = reading

  // Told before the message that comes after the gap.
  const { onGap, onError } = calls
  useEffect(() => {
    if (!enabled || !onGap) return
    return socket.on('gap', (gap) => {
      if (gap.topic === topic) onGap(gap)
    })
  }, [socket, enabled, topic, onGap])
  // React asks for the state in every render on a client, and in none on a server.
  const getState = () => {
    if (enabled) mark()
    return fold.getState()
  }
  const state = useSyncExternalStore(enabled ? fold.subscribe : neverTold, getState, fold.getInitialState)
  // Not the fold's own: it may come with a later render. By then the topic is subscribed, and nothing is asked for it.
  useEffect(() => {
    if (!enabled || topic === null || !onError) return
    return socket.subscribe(topic, () => {}, { onError })
  }, [socket, enabled, topic, onError])
  return state
}

function createReading<State>(
  socket: object,
  topic: string | null,
  initial: State,
  { reducer, load, from, release }: TopicFoldOptions<State>,
) {
  if (topic === null) return { fold: constantStore(initial), mark() {} }
  let first: FirstRender | null = null
  // What comes between the first render and its effect is folded all the same.
  const start: FoldOptions<State> = load ? { load } : from ? { from } : { since: () => first?.position ?? null }
  return {
    fold: foldUntil(socket, topic, reducer, initial, start, release),
    mark() {
      if (start.since) first ??= firstRender(socket, topic)
    },
  }
}
