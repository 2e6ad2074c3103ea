'use client'
import { useSyncExternalStore } from 'react'
import { sessionOf } from '../socket/insides.js'
import type { SocketOf } from './register.js'

/** The session that the socket is in. What is known of another one is not shown: its user may be another. */
export function useSession(socket: SocketOf<any>): unknown {
  const session = () => sessionOf(socket)
  return useSyncExternalStore(socket.store.subscribe, session, session)
}
