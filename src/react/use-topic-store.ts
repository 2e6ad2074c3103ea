'use client'
import { useCallback, useSyncExternalStore } from 'react'
import type { ReadableStore } from '../socket/store.js'
import { following, useLatest } from './latest.js'
import { useSocket } from './provider.js'
import type { SocketOf } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { constantStore } from './use-store.js'
import { useMade } from './use-made.js'

/** The store behind a hook of a topic. */
export interface TopicStore<Value> extends ReadableStore<Value> {
  /** Called by each render on a client while the hook is enabled. */
  readonly begin?: (() => void) | undefined
  /**
   * Starts what runs while the store has a listener, before that listener is added. Returns a function that stops it.
   */
  readonly open?: () => (() => void) | undefined
}

export interface TopicStoreOptions extends Omit<TopicOptions<any>, 'from' | 'onGap'> {
  /** When this changes the store is made anew, as it is for another topic. */
  readonly place?: unknown
}

/**
 * The value of a store for the topic; `initial` without a topic. `make` creates the store from these options, with
 * functions that call those of the last committed render. While it is enabled, on a client, the store has a listener.
 */
export function useTopicStore<Value, Options extends TopicStoreOptions>(
  topic: string | null,
  initial: Value,
  options: Options,
  make: (socket: SocketOf<any>, topic: string, options: Options, latest: () => Options) => TopicStore<Value>,
): Value {
  const { enabled = true, place } = options
  const socket = useSocket(options.socket)
  const latest = useLatest(options)
  const store = useMade<TopicStore<Value>>(
    () => (topic === null ? constantStore(initial) : make(socket, topic, following(options, latest), latest)),
    [socket, topic, place],
  )
  // Without an `onError` a refusal is an `error` event of the socket.
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
  // React reads the state in every render on a client, and never on a server.
  const getState = () => {
    if (enabled) store.begin?.()
    return store.getState()
  }
  return useSyncExternalStore(subscribe, getState, store.getInitialState)
}
