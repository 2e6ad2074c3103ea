'use client'
import { useCallback, useSyncExternalStore } from 'react'
import type { ReadableStore } from '../socket/store.js'
import { following, useLatest } from './latest.js'
import { useSocket } from './provider.js'
import type { SocketOf } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { constantStore } from './use-store.js'
import { useMade } from './use-made.js'

/** What a hook shows of a topic. */
export interface TopicStore<Value> extends ReadableStore<Value> {
  /** Called by each render, on a client, where it is enabled. */
  readonly begin?: (() => void) | undefined
  /** What else goes on while it has a listener, and begins before it has. Returns the undo. */
  readonly open?: () => (() => void) | undefined
}

export interface TopicStoreOptions extends Omit<TopicOptions<any>, 'from' | 'onGap'> {
  /** It is made anew where this is another one, as it is with another topic. */
  readonly place?: unknown
}

/**
 * What a store of the topic holds, `initial` without a topic. The store is `make`'s, given these options with functions
 * that call those of the last committed render, and has a listener while it is enabled: on a client.
 */
export function useTopicStore<Value, Options extends TopicStoreOptions>(
  topic: string | null,
  initial: Value,
  options: Options,
  make: (socket: SocketOf<any>, topic: string, options: Options) => TopicStore<Value>,
): Value {
  const { enabled = true, place } = options
  const socket = useSocket(options.socket)
  const latest = useLatest(options)
  const store = useMade<TopicStore<Value>>(
    () => (topic === null ? constantStore(initial) : make(socket, topic, following(options, latest))),
    [socket, topic, place],
  )
  // Where nobody hears of a refusal it is an event of the socket.
  const hearsRefusals = !!options.onError
  const subscribe = useCallback(
    (listener: () => void) => {
      if (!enabled || topic === null) return () => {}
      const undos = [
        store.open?.(),
        store.subscribe(listener),
        hearsRefusals
          ? socket.subscribe(topic, () => {}, { onError: (error) => latest().onError?.(error) })
          : undefined,
      ]
      return () => undos.forEach((undo) => undo?.())
    },
    [socket, enabled, topic, store, latest, hearsRefusals],
  )
  // React asks for the state in every render on a client, and in none on a server.
  const getState = () => {
    if (enabled) store.begin?.()
    return store.getState()
  }
  return useSyncExternalStore(subscribe, getState, store.getInitialState)
}
