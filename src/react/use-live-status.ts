'use client'
import { useInsertionEffect, useMemo, useState, useSyncExternalStore } from 'react'
import type { LiveSocketState } from '../socket/store.js'
import { createLatest } from './latest.js'
import { useSocket } from './provider.js'
import type { SocketOf } from './register.js'

/** The status of the socket. */
export function useLiveStatus(): LiveSocketState['status']
/**
 * A part of the socket's state. The component renders only when the part changes by `equal`, by default `Object.is`. If
 * the selector makes a new object at each call, pass an `equal` that compares its content.
 *
 * @param socket the socket to use instead of the nearest provider's
 */
export function useLiveStatus<Part>(
  selector: (state: LiveSocketState) => Part,
  equal?: (a: Part, b: Part) => boolean,
  socket?: SocketOf<any>,
): Part
export function useLiveStatus(
  selector: (state: LiveSocketState) => unknown = statusOf,
  equal: (a: unknown, b: unknown) => boolean = Object.is,
  given?: SocketOf<any>,
): unknown {
  const { store } = useSocket(given)
  const [shown] = useState(() => createLatest<OrShown>((part) => part))
  const select = useMemo(() => createSelection(selector, equal, shown.get), [selector, equal, shown])
  const part = useSyncExternalStore(
    store.subscribe,
    () => select(store.getState()),
    () => select(store.getInitialState()),
  )
  useInsertionEffect(() => shown.set((next, equal) => (equal(part, next) ? part : next)))
  return part
}

const statusOf = ({ status }: LiveSocketState) => status

/**
 * Returns the part that is shown if `part` is equal to it, otherwise `part`: also while nothing is shown, and while a
 * page hydrates.
 */
type OrShown = (part: any, equal: (a: any, b: any) => boolean) => any

/**
 * Returns the same part for the same state, because React asks again and again and compares by identity. If a part is
 * equal to the one that is shown, perhaps by another render's selector, the shown one is returned.
 */
function createSelection<State extends object, Part>(
  selector: (state: State) => Part,
  equal: (a: Part, b: Part) => boolean,
  shown: () => OrShown,
): (state: State) => Part {
  const parts = new WeakMap<State, Part>()
  return (state) => {
    if (!parts.has(state)) parts.set(state, shown()(selector(state), equal))
    return parts.get(state) as Part
  }
}
