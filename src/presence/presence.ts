import type { LiveSocketError } from '../base/errors.js'
import type { Member } from '../protocol/members.js'
import type { CoreSocket } from '../socket/live-socket.js'
import type { ReadableStore } from '../socket/store.js'
import { attendanceOf } from './attendance.js'

/** What this client says of itself from the beginning, and who hears where it may not. */
export interface PresenceOptions<Data = unknown> {
  /** Enters at once, as `enter(data)` does. Default: it looks, and enters when it is told to. */
  readonly data?: Data
  /**
   * This client is not present any more: the server refuses it. Default, and where it only looks and the members are not
   * shown to it: an `error` event of the socket.
   */
  readonly onError?: (error: LiveSocketError) => void
}

/** Who is in a topic, and this client among them. */
export interface Presence<Data = unknown, User = unknown> {
  /**
   * Who is there, by ids; listeners are told once a frame. It is kept up to date while it has listeners, and while this
   * client is there itself; empty before, and in a new session.
   */
  readonly members: ReadableStore<readonly Member<Data, User>[]>
  /**
   * This client is there from now on, with that data: through handovers, breaks and restarts of servers, until
   * `leave()` or the end of the session. Resolves when the server has told it. Rejects with a `LiveSocketError`, and
   * then it is not there: `forbidden`, `too-large`, `invalid`, `refused` with the reason `limit` (in how many topics a
   * session may be) or one of the server's, `closed` with the session. An update that is refused leaves things as they
   * were. While nothing serves it waits.
   */
  enter(data?: Data): Promise<void>
  /**
   * The same with other data. Of many updates in a row the newest is told, ten times a second at most. Rejects with
   * `invalid` where this client has not entered.
   */
  update(data: Data): Promise<void>
  /** This client is not there any more, as far as this handle goes: another one of the same socket may be. */
  leave(): Promise<void>
}

/**
 * Who is in a topic. Each handle of a socket may enter by itself; others see one connection of this client, with what
 * was said last. Tabs and devices of one subject are one member. An `onError` that throws is an `error` event. Throws
 * `invalid` for what is no topic and no live socket.
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
