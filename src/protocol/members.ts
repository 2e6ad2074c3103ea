/** One session of a member: one tab or one device. */
export interface MemberConnection<Data = unknown, User = unknown> {
  /** Its id for as long as it is present. This is not the session's id, which others must not know. */
  readonly id: string
  /** When it entered or last changed its data: wall-clock ms of the server that announced it. */
  readonly at: number
  /** The data that it entered with or last updated to; null if it gave none. */
  readonly data: Data
  /** What the server reveals about its user: see the server's option `presence`. */
  readonly user: User
}

/** A member of a topic: a subject, whatever the number of its tabs and devices, or a session that has no subject. */
export interface Member<Data = unknown, User = unknown> {
  /** The same for all clients, for as long as the member is present. This is not the subject. */
  readonly id: string
  /** What the server reveals about the user. */
  readonly user: User
  /** The data of the connection that changed last. */
  readonly data: Data
  /** In order of their last change, the newest last. */
  readonly connections: readonly MemberConnection<Data, User>[]
}

/**
 * A session in a topic. `n` is the client's counter at that entry or update; the ids are those of the member and of the
 * connection.
 */
export type MemberRow = readonly [
  member: string,
  connection: string,
  at: number,
  n: number,
  data: unknown,
  user: unknown,
]

/** The data of a message that says who entered or changed, and who left. */
export interface MemberChanges {
  readonly set?: readonly MemberRow[]
  readonly gone?: readonly (readonly [member: string, connection: string])[]
}

export interface MembersAsk {
  readonly topic: string
  /** The connection after which the page starts; absent: the first page. */
  readonly after?: string
}

export interface MembersAnswer {
  /**
   * The rows contain every change up to this position, and perhaps later ones. The topic's messages after this position
   * add the rest.
   */
  readonly epoch: string
  readonly offset: number
  /** The ids of the session that asks, should it be a member. */
  readonly you: readonly [member: string, connection: string]
  /** Sorted by connection id. */
  readonly rows: readonly MemberRow[]
  /** More rows follow, after this connection. */
  readonly next?: string
}

export interface EnterAsk {
  readonly topic: string
  /** Increases with every statement of the session about its presence in the topic. */
  readonly n: number
  readonly data?: unknown
}

export type LeaveAsk = Omit<EnterAsk, 'data'>

/**
 * Applies the changes. A member whose connections have not changed stays the same object. `told` is called for each
 * connection with the `n` of its entry, or with null if it is gone.
 */
export function changeMembers(
  members: Map<string, Member>,
  { set = [], gone = [] }: MemberChanges,
  told?: (connection: string, n: number | null) => void,
): void {
  // Rows of connections that are gone have only the ids.
  const rows: readonly (readonly [member: string, connection: string, at?: number, n?: number, ...said: unknown[]])[] =
    [...gone, ...set]
  for (const [id, connection, at, n, data, user] of rows) {
    const connections = (members.get(id)?.connections ?? []).filter((one) => one.id !== connection)
    if (n !== undefined) connections.push({ id: connection, at: at!, data, user })
    // Sorted by data that is the same for all clients, in whatever order the changes arrived.
    connections.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
    const newest = connections.at(-1)
    if (newest) members.set(id, { id, user: newest.user, data: newest.data, connections })
    else members.delete(id)
    told?.(connection, n ?? null)
  }
}

/** Sorted by id: the order is the same for all clients, and no member changes place when another one enters. */
export function memberList(members: ReadonlyMap<string, Member>): readonly Member[] {
  return [...members.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
