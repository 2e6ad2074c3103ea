import type { LiveSocketError } from '../base/errors.js'
import type { Member } from '../protocol/members.js'
import type { CoreSocket } from '../socket/live-socket.js'
import type { ReadableStore } from '../socket/store.js'
import { attendanceOf } from './attendance.js'

/** What this client says of itself from the beginning, and what is called when the server refuses it. */
export interface PresenceOptions<Data = unknown> {
  /**
   * Enters at once with this data, as `enter(data)` does. Default: it only looks, and enters when `enter` is called.
   */
  readonly data?: Data
  /**
   * Called when this client is not present any more because the server refuses it, and when a client that only looks
   * may not see the members. Default: an `error` event of the socket.
   */
  readonly onError?: (error: LiveSocketError) => void
}

/** Who is present in a topic, this client among them. */
export interface Presence<Data = unknown, User = unknown> {
  /**
   * Who is present, in order of their ids. Listeners are called once per animation frame. The list is up to date while
   * it has listeners and while this client is present itself. It is empty before that, and in a new session.
   */
  readonly members: ReadableStore<readonly Member<Data, User>[]>
  /**
   * Makes this client present with that data, through handovers, breaks and restarts of servers, until `leave()` or the
   * end of the session. Resolves when the server has announced it. While no leg serves it waits. Rejects with a
   * `LiveSocketError`, and the client is then not present: `forbidden`, `too-large`, `invalid`, `refused` with the
   * reason `limit` (on the topics in which a session may be present) or one of the server's, `closed` with the session.
   * If an update is refused, the earlier data stays.
   */
  enter(data?: Data): Promise<void>
  /**
   * Replaces the data. Of many updates in a row only the newest is announced, at most ten times a second. Rejects with
   * `invalid` if this client has not entered.
   */
  update(data: Data): Promise<void>
  /** This handle is not present any more. Another handle of the same socket may still be. */
  leave(): Promise<void>
}

/**
 * Who is present in a topic. Each handle of a socket may enter on its own; others see one connection of this client,
 * with the data that was given last. Tabs and devices of one subject are one member. If `onError` throws, that is an
 * `error` event. Throws `invalid` if `topic` is no topic name or `socket` no live socket.
 */
export function presence<Data = unknown, User = unknown>(
  socket: CoreSocket<any, any, any>,
  topic: string,
  { data, onError }: PresenceOptions<Data> = {},
): Presence<Data, User> {
  const attendance = attendanceOf(socket, topic)
  const handle = (error: LiveSocketError) => attendance.report(error, onError)
  const enter = (value?: unknown) => attendance.claim(handle, value)
  if (data !== undefined) enter(data).catch(handle)
  return {
    members: attendance.members as Presence<Data, User>['members'],
    enter,
    update: (value) => attendance.claim(handle, value, true),
    leave: () => attendance.drop(handle),
  }
}
