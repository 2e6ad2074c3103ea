import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { Attendance } from '../log/attendance.js'
import { memberIds } from './member-ids.js'

/** What is to be told of a session in a topic. */
export type Announcement =
  | {
      readonly type: 'set'
      readonly subject: string | undefined
      readonly n: number
      /** JSON texts. */
      readonly data: string
      readonly user: string
      readonly signal?: AbortSignal
    }
  /** Without `n` it may not be present any more, whatever it has said. */
  | { readonly type: 'leave'; readonly subject: string | undefined; readonly n?: number; readonly signal?: AbortSignal }
  /** It has no legs any more; `ids` is what is told. */
  | { readonly type: 'gone'; readonly ids: string }

export interface Announcer {
  /**
   * Resolves when it is told, or something newer of the session; with false where the session is in too many topics.
   * Rejects where the log cannot be asked.
   */
  announce(topic: string, session: string, announcement: Announcement): Promise<boolean>
  close(): void
}

export interface AnnouncerDeps {
  readonly attendance: Attendance
  readonly clock: Clock
  /** Topics of a session. */
  readonly maxTopics: number
}

/** A topic is told at most so often by one server, ms: whatever its members do, it is ten messages a second. */
const WINDOW = 100
/** The most that one message tells of. */
const MOST = { sessions: 500, characters: 64 * 1024 }

const GONE = new LiveSocketError('aborted', 'Nobody waits for it any more')
const CLOSED = new LiveSocketError('closed', 'This server is closed')

interface Waiting {
  readonly announcement: Announcement
  readonly settle: ((outcome: boolean | Error) => void)[]
}

/** Who comes, changes and leaves, told in batches: of one session only the newest. */
export function createAnnouncer({ attendance, clock, maxTopics }: AnnouncerDeps): Announcer {
  const topics = new Map<string, { readonly waiting: Map<string, Waiting>; cancel: () => void }>()
  let closed = false

  function batchOf(waiting: Map<string, Waiting>) {
    const batch: [session: string, waiting: Waiting][] = []
    let size = 0
    for (const [session, one] of waiting) {
      size += sizeOf(one.announcement)
      if (batch.length > 0 && (batch.length === MOST.sessions || size > MOST.characters)) break
      waiting.delete(session)
      // Nobody waits for that any more: whoever asked has asked somebody else since.
      if ('signal' in one.announcement && one.announcement.signal?.aborted) for (const done of one.settle) done(GONE)
      else batch.push([session, one])
    }
    return batch
  }

  async function tell(topic: string, batch: ReturnType<typeof batchOf>) {
    const settle = (outcome: (session: string) => boolean | Error) => {
      for (const [session, one] of batch) for (const done of one.settle) done(outcome(session))
    }
    try {
      const { refused } = await attendance.change(topic, maxTopics, (salt) => changesOf(batch, salt, clock.now()))
      settle((session) => !refused.has(session))
    } catch (error) {
      settle(() => error as Error)
    }
  }

  /** Tells what waits, and goes on as long as something does. */
  function go(topic: string) {
    const entry = topics.get(topic)!
    if (closed || entry.waiting.size === 0) return void topics.delete(topic)
    const done = tell(topic, batchOf(entry.waiting))
    entry.cancel = clock.setTimeout(() => void done.then(() => go(topic)), WINDOW)
  }

  return {
    announce(topic, session, announcement) {
      return new Promise((resolve, reject) => {
        if (closed) return reject(CLOSED)
        const known = topics.get(topic)
        const entry = known ?? { waiting: new Map<string, Waiting>(), cancel: () => undefined }
        if (!known) topics.set(topic, entry)
        const before = entry.waiting.get(session)
        const settle = (outcome: boolean | Error) => (outcome instanceof Error ? reject(outcome) : resolve(outcome))
        const newest = before && isNewer(before.announcement, announcement) ? before.announcement : announcement
        entry.waiting.set(session, { announcement: newest, settle: [...(before?.settle ?? []), settle] })
        // What else comes in this turn goes along.
        if (!known) queueMicrotask(() => go(topic))
      })
    },
    close() {
      closed = true
      for (const { cancel, waiting } of topics.values()) {
        cancel()
        for (const { settle } of waiting.values()) for (const done of settle) done(CLOSED)
      }
      topics.clear()
    },
  }
}

function changesOf(batch: readonly [string, Waiting][], salt: string, at: number) {
  const set: { session: string; row: string }[] = []
  const gone: { session: string; ids: string; departed?: true }[] = []
  for (const [session, { announcement }] of batch) {
    if (announcement.type === 'gone') {
      gone.push({ session, ids: announcement.ids, departed: true })
      continue
    }
    const ids = memberIds({ session, subject: announcement.subject }, salt)
    if (announcement.type === 'leave') gone.push({ session, ids: JSON.stringify(ids) })
    else {
      const { n, data, user } = announcement
      set.push({ session, row: `${JSON.stringify([...ids, at, n]).slice(0, -1)},${data},${user}]` })
    }
  }
  return { set, gone }
}

/** Two legs of a session bring what it says in any order; and whoever says something is not the one that has gone. */
function isNewer(known: Announcement, fresh: Announcement): boolean {
  if (known.type === 'gone' || fresh.type === 'gone') return known.type !== 'gone'
  return (known.n ?? -Infinity) > (fresh.n ?? Infinity)
}

function sizeOf(announcement: Announcement): number {
  return 100 + (announcement.type === 'set' ? announcement.data.length + announcement.user.length : 0)
}
