import type { Position } from '../../protocol/frames.js'

/** JSON text. */
type Json = string

/**
 * Which sessions are listed in which topic, over all servers that share the log. It is the sum of the topic's messages
 * about them. When a topic's numbering starts over, its list is empty.
 */
export interface Attendance {
  /**
   * Changes the topic's list and appends a message about it (`toldText`), in one step. Sessions that are not listed are
   * not removed, and sessions that are already listed in `most` topics are not added. If no change is left, there is no
   * message. `compose` may be called more than once. It gets the salt that hides whose an id is, the same for all
   * servers.
   */
  change(
    topic: string,
    most: number,
    compose: (salt: string) => AttendanceChanges,
  ): Promise<{ /** Sessions that were not put in. */ readonly refused: ReadonlySet<string> }>
  /** The list, and the position that it belongs to. */
  list(topic: string): Promise<AttendanceList>
  /**
   * Sessions that are listed although their last leg has been gone for `grace` milliseconds; or only the given session,
   * if it has no leg. The caller removes them from the lists. Nobody else gets them until `CLAIM` has passed; then
   * whoever asks does. At most `MOST_DEPARTED` at once.
   */
  departed(grace: number, session?: string): Promise<readonly Departure[]>
}

/** The sessions to add to a list, with the row that is told of each, and the sessions to remove. */
export interface AttendanceChanges {
  readonly set: readonly { readonly session: string; readonly row: Json }[]
  /**
   * `ids` is what is told of a session that is removed. `departed`: it is removed because it has no leg; if it has one
   * by then, it is back, and stays.
   */
  readonly gone: readonly { readonly session: string; readonly ids: Json; readonly departed?: boolean }[]
}

/** The members of a topic's list as of a position, each as JSON text. */
export interface AttendanceList extends Position {
  readonly salt: string
  readonly rows: readonly Json[]
}

/** A session, and one of the topics in which it is listed. */
export interface Departure {
  readonly session: string
  readonly topic: string
  readonly row: Json
}

/**
 * Milliseconds that a server has to remove departed sessions. If it dies meanwhile, another one takes over after that
 * time. If it is only slow, another one does the same work again, which changes nothing.
 */
export const CLAIM = 2_000
export const MOST_DEPARTED = 100

export function toldText(set: readonly Json[], gone: readonly Json[]): Json {
  return `{"set":[${set.join(',')}],"gone":[${gone.join(',')}]}`
}
