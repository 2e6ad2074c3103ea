'use client'
import { useCallback, useState, useSyncExternalStore } from 'react'
import type { LiveSocketError } from '../base/errors.js'
import { sessionOf } from '../socket/insides.js'
import { useSocket } from './provider.js'
import type { SocketOf } from './register.js'

/** How the calls of a component are doing. */
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

/**
 * A method of the given socket, or of the nearest provider's, called for one topic or one of the server's methods. A
 * rejection is no unhandled one.
 */
export function useCalls<Method extends 'publish' | 'request'>(
  given: SocketOf<any> | undefined,
  method: Method,
  to: string | null,
): Outcomes & { readonly [Call in Method]: (data?: unknown, how?: object) => Promise<any> } {
  const socket = useSocket(given)
  const [{ pending, error, session }, setKnown] = useState(NONE)
  const present = () => sessionOf(socket)
  const shown = useSyncExternalStore(socket.store.subscribe, present, present)
  const call = useCallback(
    (data?: unknown, how?: object) => {
      const session = sessionOf(socket)
      const settled = (error?: LiveSocketError) =>
        setKnown((before) => ({ ...before, pending: before.pending - 1, ...(error && { error, session }) }))
      const outcome: Promise<unknown> = socket[method](to!, data, how)
      setKnown((before) => ({ pending: before.pending + 1, error: null }))
      outcome.then(() => settled(), settled)
      return outcome
    },
    [socket, method, to],
  )
  return { [method]: call, pending, error: session === shown ? error : null } as never
}
