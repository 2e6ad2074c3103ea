/** One session of a member, which is one tab or one device. */
export interface MemberConnection<Data = unknown, User = unknown> {
  /** Names it for as long as it is there. It is not the session's id, which others must not know. */
  readonly id: string
  /** When it entered, or last changed its data: wall-clock ms of the server that told of it. */
  readonly at: number
  /** What it entered or was updated with; null where that was nothing. */
  readonly data: Data
  /** What the server shows of its user: see the server's option `presence`. */
  readonly user: User
}

/** Who is in a topic: a subject, however many of its tabs and devices are, or a session that has no subject. */
export interface Member<Data = unknown, User = unknown> {
  /** The same for all who look, and for as long as the member is there. It is not the subject. */
  readonly id: string
  /** What the server shows of the user. */
  readonly user: User
  /** Of the connection that changed last. */
  readonly data: Data
  /** The one that changed last comes last. */
  readonly connections: readonly MemberConnection<Data, User>[]
}

/**
 * A session in a topic. `n` is what its client counted when it said so; the ids are the member's and the connection's.
 */
export type MemberRow = readonly [
  member: string,
  connection: string,
  at: number,
  n: number,
  data: unknown,
  user: unknown,
]

/** The data of a message that tells who came, or changed, and who left. */
export interface MemberChanges {
  readonly set?: readonly MemberRow[]
  readonly gone?: readonly (readonly [member: string, connection: string])[]
}

export interface MembersAsk {
  readonly topic: string
  /** The page after this connection; absent: the first one. */
  readonly after?: string
}

export interface MembersAnswer {
  /**
   * What the rows contain is everything up to here, and perhaps more: the topic's messages from here on add the rest.
   */
  readonly epoch: string
  readonly offset: number
  /** Whoever asks, should it be a member. */
  readonly you: readonly [member: string, connection: string]
  /** By their connections' ids. */
  readonly rows: readonly MemberRow[]
  /** There are more, after this connection. */
  readonly next?: string
}

export interface EnterAsk {
  readonly topic: string
  /** Rises with all that the session says of its presence in the topic. */
  readonly n: number
  readonly data?: unknown
}

export type LeaveAsk = Omit<EnterAsk, 'data'>

/**
 * A member whose connections have not changed stays the same object. `told`: of each connection, with the `n` that it is
 * there by; null where it is gone.
 */
export function changeMembers(
  members: Map<string, Member>,
  { set = [], gone = [] }: MemberChanges,
  told?: (connection: string, n: number | null) => void,
): void {
  // Of what is gone there are the ids alone.
  const rows: readonly (readonly [member: string, connection: string, at?: number, n?: number, ...said: unknown[]])[] =
    [...gone, ...set]
  for (const [id, connection, at, n, data, user] of rows) {
    const connections = (members.get(id)?.connections ?? []).filter((one) => one.id !== connection)
    if (n !== undefined) connections.push({ id: connection, at: at!, data, user })
    // By what all who look are told alike, in whichever order it came to them.
    connections.sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
    const newest = connections.at(-1)
    if (newest) members.set(id, { id, user: newest.user, data: newest.data, connections })
    else members.delete(id)
    told?.(connection, n ?? null)
  }
}

/** By their ids: the order is the same for all who look, and nobody changes place as somebody else comes. */
export function memberList(members: ReadonlyMap<string, Member>): readonly Member[] {
  return [...members.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
}
