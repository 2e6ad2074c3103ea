'use client'
import { useCallback, useState, useSyncExternalStore } from 'react'
import type { LiveSocketError } from '../base/errors.js'
import { sessionOf } from '../socket/insides.js'
import type { LiveSocket } from '../socket/live-socket.js'

export interface Outcomes {
  /** How many of this component's calls wait for their answer. */
  readonly pending: number
  /** Why the last one of this session failed; null from the next call on, and once the session has ended. */
  readonly error: LiveSocketError | null
}

interface Known extends Outcomes {
  /** Whose error it is: another user is not shown it. */
  readonly session?: unknown
}

const NONE: Known = { pending: 0, error: null }

/** What becomes of the calls of one component. `watch` counts a call; a rejection of it is no unhandled one. */
export function useOutcomes(
  socket: LiveSocket<any, any, any>,
): Outcomes & { watch<Result>(call: Promise<Result>): Promise<Result> } {
  const [{ pending, error, session }, setKnown] = useState(NONE)
  const present = () => sessionOf(socket)
  const shown = useSyncExternalStore(socket.store.subscribe, present, present)
  const watch = useCallback(
    <Result>(call: Promise<Result>) => {
      const session = sessionOf(socket)
      const settled = (error?: LiveSocketError) =>
        setKnown((before) => ({ ...before, pending: before.pending - 1, ...(error && { error, session }) }))
      setKnown((before) => ({ pending: before.pending + 1, error: null }))
      call.then(() => settled(), settled)
      return call
    },
    [socket],
  )
  return { pending, error: session === shown ? error : null, watch }
}
