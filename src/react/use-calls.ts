'use client'
import { useCallback, useState } from 'react'
import type { LiveSocketError } from '../base/errors.js'
import { sessionOf } from '../socket/insides.js'
import { useSocket } from './provider.js'
import type { SocketOf } from './register.js'
import { useSession } from './use-session.js'

/** The state of a component's calls. */
export interface Outcomes {
  /** How many of this component's calls wait for their answer. */
  readonly pending: number
  /**
   * Why the last failed call of this session failed. Null after the next call begins, and after the session has ended.
   */
  readonly error: LiveSocketError | null
}

/**
 * A method of the given socket, or of the nearest provider's, for one topic or one of the server's methods. A rejection
 * never counts as unhandled.
 */
export function useCalls<Method extends 'publish' | 'request'>(
  given: SocketOf<any> | undefined,
  method: Method,
  to: string | null,
): Outcomes & { readonly [Call in Method]: (data?: unknown, how?: object) => Promise<any> } {
  const socket = useSocket(given)
  const present = useSession(socket)
  const [pending, setPending] = useState(0)
  const [failed, setFailed] = useState<{ readonly error: LiveSocketError; readonly session: unknown } | null>(null)
  const call = useCallback(
    (data?: unknown, how?: object) => {
      const session = sessionOf(socket)
      const outcome: Promise<unknown> = socket[method](to!, data, how)
      setFailed(null)
      setPending((before) => before + 1)
      outcome
        .catch((error: LiveSocketError) => setFailed({ error, session }))
        .finally(() => setPending((before) => before - 1))
      return outcome
    },
    [socket, method, to],
  )
  return { [method]: call, pending, error: failed && failed.session === present ? failed.error : null } as never
}
