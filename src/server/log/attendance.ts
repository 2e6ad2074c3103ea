import type { Position } from '../../protocol/frames.js'

/** JSON text. */
type Json = string

/**
 * Which sessions are listed in which topic, of all servers that share the log: what the topic's messages about them
 * add up to. Where a topic's numbering has started over its list is empty.
 */
export interface Attendance {
  /**
   * Changes the topic's list and appends a message that tells of it (`toldText`), in one step. Those that are not
   * listed are not taken out, those that are listed in `most` topics already are not put in; where nothing is left to
   * tell there is no message. `compose` may be called again, and gets the salt: what hides whose an id is, one for all
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
   * Sessions that are listed although their last leg has been gone for `grace` milliseconds; or this one, where it has
   * no leg. Whoever is told takes them out: until `CLAIM` is over nobody else is told, and then whoever asks. At most
   * `MOST_DEPARTED` at once.
   */
  departed(grace: number, session?: string): Promise<readonly Departure[]>
}

/** Who is put into a list, with what is told of each, and who is taken out of it. */
export interface AttendanceChanges {
  readonly set: readonly { readonly session: string; readonly row: Json }[]
  /**
   * `ids` is what is told of one that is taken out. `departed`: because it has no leg; one that has by then is back, and
   * stays.
   */
  readonly gone: readonly { readonly session: string; readonly ids: Json; readonly departed?: boolean }[]
}

/** Who is in a topic's list, as of a position, each as JSON text. */
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
 * Milliseconds that whoever takes out departed sessions has for it. Should he die over it, others hear of them so much
 * later; where he is only slow, somebody else does the same once more, which changes nothing.
 */
export const CLAIM = 2_000
export const MOST_DEPARTED = 100

export function toldText(set: readonly Json[], gone: readonly Json[]): Json {
  return `{"set":[${set.join(',')}],"gone":[${gone.join(',')}]}`
}
