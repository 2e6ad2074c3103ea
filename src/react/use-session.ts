'use client'
import { useSyncExternalStore } from 'react'
import { sessionOf } from '../socket/insides.js'
import type { SocketOf } from './register.js'

/** The session that the socket is in. State of any other session is not shown, because that user may be another one. */
export function useSession(socket: SocketOf<any>): unknown {
  const session = () => sessionOf(socket)
  return useSyncExternalStore(socket.store.subscribe, session, session)
}
