'use client'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { LiveSocketError } from '../base/errors.js'
import type { Member } from '../protocol/members.js'
import { attendanceOf, type Claimant } from '../presence/attendance.js'
import { serialise } from '../protocol/json.js'
import { sessionOf } from '../socket/insides.js'
import type { LiveSocket } from '../socket/live-socket.js'
import { useLatest } from './latest.js'
import { useSocket } from './provider.js'
import { constantStore, useStore } from './use-store.js'

/** Of which socket, and who hears where this client may not be present. */
export interface UsePresenceOptions {
  /** False: this client is not there and does not look, as with a topic of `null`. Default true. */
  readonly enabled?: boolean
  /** The server refuses it: this client is not there. Default: an `error` event of the socket. */
  readonly onError?: (error: LiveSocketError) => void
  /** Instead of the nearest provider's. */
  readonly socket?: LiveSocket<any, any, any>
}

/**
 * Who is in the topic. With `data` this client is there too, with that, for as long as the component is mounted; data
 * that says the same is no change. Without it the component only looks. In a new session, after a sign-out, it enters
 * again, as whoever is signed in then. Renders once an animation frame at most; a member of whom nothing has changed is
 * the same object. On a server, and while it hydrates, nobody is there.
 */
export function usePresence<Data = unknown, User = unknown>(
  topic: string | null,
  data?: Data,
  options: UsePresenceOptions = {},
): readonly Member<Data, User>[] {
  const { enabled = true, onError } = options
  const socket: LiveSocket<any, any, any> = useSocket(options.socket)
  const latest = useLatest({ data, onError })
  const attended = enabled ? topic : null
  const here = useMemo(() => {
    if (attended === null) return null
    const attendance = attendanceOf(socket, attended)
    // Who is told is read when there is something to tell.
    const who: Claimant = (error) => attendance.report(error, latest().onError)
    return { who, attendance }
  }, [socket, attended, latest])
  // Null while it is closed: what is said then is nobody's.
  const session = useSyncExternalStore(
    socket.store.subscribe,
    () => (socket.store.getState().status === 'closed' ? null : sessionOf(socket)),
    () => null,
  )
  // By what it says: an object may be a new one in every render.
  const text = data === undefined ? null : serialise(data)
  const said = text && ('json' in text ? text.json : text.invalid)
  const isThere = said !== null

  useEffect(() => {
    if (!here || !session || said === null) return
    const { attendance, who } = here
    attendance.claim(who, latest().data).catch(who)
  }, [here, session, said, latest])
  // Of its own: other data is no leaving.
  useEffect(() => {
    if (!here || !isThere) return undefined
    return () => void here.attendance.drop(here.who).catch(() => {})
  }, [here, isThere])

  return useStore(here?.attendance.members ?? NOWHERE) as readonly Member<Data, User>[]
}

const NOWHERE = constantStore<readonly Member[]>([])
