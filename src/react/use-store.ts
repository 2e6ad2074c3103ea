'use client'
import { useSyncExternalStore } from 'react'
import type { ReadableStore } from '../socket/store.js'

/** The value of the store; its initial value on a server and while it hydrates. */
export function useStore<Value>(store: ReadableStore<Value>): Value {
  return useSyncExternalStore(store.subscribe, store.getState, store.getInitialState)
}

/** A store that never changes. */
export function constantStore<Value>(value: Value): ReadableStore<Value> {
  const get = () => value
  return { getState: get, getInitialState: get, subscribe: () => () => {} }
}
