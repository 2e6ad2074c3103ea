'use client'
import { useInsertionEffect, useMemo, useState, useSyncExternalStore } from 'react'
import type { LiveSocketState } from '../socket/store.js'
import { createLatest } from './latest.js'
import { useSocket } from './provider.js'
import type { SocketOf } from './register.js'

/** The status of the socket, in a word. */
export function useLiveStatus(): LiveSocketState['status']
/**
 * A part of the socket's state. Renders again only when the part is another one by `equal`, which is `Object.is`; where
 * the selector makes a new object at each call, pass one that looks inside.
 *
 * @param socket instead of the nearest provider's
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

/** The part that is shown where this one is equal to it, else this one: as while nothing is shown, and a page hydrates. */
type OrShown = (part: any, equal: (a: any, b: any) => boolean) => any

/**
 * One state gives one part: React asks again and again, and compares by identity. One that is equal to what is shown,
 * selected by the function of another render perhaps, is that.
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
