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

/** Options of `usePresence`. */
export interface UsePresenceOptions {
  /** False: this client is not present and does not look, as with a topic of `null`. Default true. */
  readonly enabled?: boolean
  /** Called when the server refuses this client's presence. Default: an `error` event of the socket. */
  readonly onError?: (error: LiveSocketError) => void
  /** The socket to use instead of the nearest provider's. */
  readonly socket?: LiveSocket<any, any, any>
}

/**
 * Who is present in the topic. With `data` this client is present too, with that data, for as long as the component is
 * mounted; data with the same content is no change. Without `data` the component only looks. In a new session, after a
 * sign-out, it enters again as the user who is signed in then. It renders at most once per animation frame, and an
 * unchanged member stays the same object. On a server, and while it hydrates, the list is empty.
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
    // `onError` is looked up when there is an error to report.
    const who: Claimant = (error) => attendance.report(error, latest().onError)
    return { who, attendance }
  }, [socket, attended, latest])
  // Null while the socket is closed: there is no session that could be present.
  const session = useSyncExternalStore(
    socket.store.subscribe,
    () => (socket.store.getState().status === 'closed' ? null : sessionOf(socket)),
    () => null,
  )
  // Compared by its content, because the object may be new in every render.
  const text = data === undefined ? null : serialise(data)
  const said = text && ('json' in text ? text.json : text.invalid)
  const isThere = said !== null

  useEffect(() => {
    if (!here || !session || said === null) return
    const { attendance, who } = here
    attendance.claim(who, latest().data).catch(who)
  }, [here, session, said, latest])
  // This is a separate effect, because a change of data must not leave the topic.
  useEffect(() => {
    if (!here || !isThere) return undefined
    return () => void here.attendance.drop(here.who).catch(() => {})
  }, [here, isThere])

  return useStore(here?.attendance.members ?? NOWHERE) as readonly Member<Data, User>[]
}

const NOWHERE = constantStore<readonly Member[]>([])
