'use client'
import { useCallback, useSyncExternalStore } from 'react'
import type { ReadableStore } from '../socket/store.js'
import { type FunctionsIn, useCallbacks } from './latest.js'
import { useSocket } from './provider.js'
import type { SocketOf } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { constantStore } from './use-store.js'
import { useMade } from './use-made.js'

/** What a hook shows of a topic. */
export interface TopicStore<Value> extends ReadableStore<Value> {
  /** Called by each render, on a client, where it is enabled. */
  readonly begin?: (() => void) | undefined
}

export interface TopicStoreOptions extends Omit<TopicOptions<any>, 'from'> {
  /** It is made anew where this is another one, as it is with another topic. */
  readonly place?: unknown
}

/**
 * What a store of the topic holds, `initial` without a topic. The store is `make`'s, given the functions among these
 * options as ones that call those of the last committed render, and has a listener while it is enabled: on a client.
 */
export function useTopicStore<Value, Options extends TopicStoreOptions>(
  topic: string | null,
  initial: Value,
  options: Options,
  make: (socket: SocketOf<any>, topic: string, calls: FunctionsIn<Options>) => TopicStore<Value>,
): Value {
  const { enabled = true, place } = options
  const socket = useSocket(options.socket)
  const calls = useCallbacks(options)
  const [store] = useMade<TopicStore<Value>>(
    () => (topic === null ? constantStore(initial) : make(socket, topic, calls)),
    [socket, topic, place],
  )
  const subscribe = useCallback(
    (listener: () => void) => {
      if (!enabled || topic === null) return () => {}
      const { onGap, onError } = calls as TopicStoreOptions
      const undos = [
        // Told before the message that comes after the gap.
        onGap && socket.on('gap', (gap) => gap.topic === topic && onGap(gap)),
        store.subscribe(listener),
        // Of its own: it may come with a later render.
        onError && socket.subscribe(topic, () => {}, { onError }),
      ]
      return () => undos.forEach((undo) => undo?.())
    },
    [socket, enabled, topic, store, calls],
  )
  // React asks for the state in every render on a client, and in none on a server.
  const getState = () => {
    if (enabled) store.begin?.()
    return store.getState()
  }
  return useSyncExternalStore(subscribe, getState, store.getInitialState)
}
