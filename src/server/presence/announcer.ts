import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { Attendance } from '../log/attendance.js'
import { memberIds } from './member-ids.js'

/** What is to be told about a session in a topic. */
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
  /** The session leaves. Without `n` it may not be present any longer, whatever it has said. */
  | { readonly type: 'leave'; readonly subject: string | undefined; readonly n?: number; readonly signal?: AbortSignal }
  /** The session has no legs any longer; `ids` is what is told. */
  | { readonly type: 'gone'; readonly ids: string }

export interface Announcer {
  /**
   * Resolves when this, or something newer about the session, was told; with false if the session is in too many
   * topics. Rejects if the log cannot be reached.
   */
  announce(topic: string, session: string, announcement: Announcement): Promise<boolean>
  close(): void
}

export interface AnnouncerDeps {
  readonly attendance: Attendance
  readonly clock: Clock
  /** The most topics of one session. */
  readonly maxTopics: number
}

/** Milliseconds between two messages of one server into a topic: at most ten a second, whatever its members do. */
const WINDOW = 100
/** The most that one message contains. */
const MOST = { sessions: 500, characters: 64 * 1024 }

const GONE = new LiveSocketError('aborted', 'Nobody waits for it any longer')
const CLOSED = new LiveSocketError('closed', 'This server is closed')

interface Waiting {
  readonly announcement: Announcement
  readonly settle: ((outcome: boolean | Error) => void)[]
}

/** Tells who enters, changes and leaves, in batches: for each session only the newest announcement. */
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
      // Nobody waits for this announcement any longer: the client has made its request elsewhere since.
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

  /** Tells what waits, and continues as long as something does. */
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
        // Whatever else arrives in this turn goes into the same message.
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

/**
 * Decides between two announcements, because a session's two legs may deliver in any order. A session that says
 * something is not gone.
 */
function isNewer(known: Announcement, fresh: Announcement): boolean {
  if (known.type === 'gone' || fresh.type === 'gone') return known.type !== 'gone'
  return (known.n ?? -Infinity) > (fresh.n ?? Infinity)
}

function sizeOf(announcement: Announcement): number {
  return 100 + (announcement.type === 'set' ? announcement.data.length + announcement.user.length : 0)
}
