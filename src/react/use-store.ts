'use client'
import { useSyncExternalStore } from 'react'
import type { ReadableStore } from '../socket/store.js'

/** What the store holds: what it holds at first on a server, and while it hydrates. */
export function useStore<Value>(store: ReadableStore<Value>): Value {
  return useSyncExternalStore(store.subscribe, store.getState, store.getInitialState)
}

/** A store of which nobody is ever told anything. */
export function constantStore<Value>(value: Value): ReadableStore<Value> {
  const get = () => value
  return { getState: get, getInitialState: get, subscribe: () => () => {} }
}
