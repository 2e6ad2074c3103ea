import { nanoid } from 'nanoid'
import { CLAIM, MOST_DEPARTED, toldText, type Attendance, type Departure } from './attendance.js'
import type { Json, NewEntry, TopicHead } from './topic-log.js'

export interface MemoryAttendanceDeps {
  append(entry: NewEntry): unknown
  head(topic: string): TopicHead
  /** Whether the session has a leg. */
  isHere(session: string): boolean
  now(): number
}

export interface MemoryAttendance extends Attendance {
  /** The session has lost its last leg. */
  left(session: string): void
  /** The numbering of all topics has started over. */
  forget(): void
}

export function createMemoryAttendance({ append, head, isHere, now }: MemoryAttendanceDeps): MemoryAttendance {
  const salt = nanoid()
  const lists = new Map<string, Map<string, Json>>()
  /** The topics of each session; and for listed sessions without a leg, since when they have none. */
  const topicsOf = new Map<string, Set<string>>()
  const departing = new Map<string, number>()

  function put(topic: string, session: string, row: Json) {
    lists.set(topic, (lists.get(topic) ?? new Map<string, Json>()).set(session, row))
    topicsOf.set(session, (topicsOf.get(session) ?? new Set<string>()).add(topic))
    // A request of a session is still carried out when its leg is already gone.
    if (!isHere(session) && !departing.has(session)) departing.set(session, now())
  }

  function take(topic: string, session: string): boolean {
    const list = lists.get(topic)
    if (!list?.delete(session)) return false
    if (list.size === 0) lists.delete(topic)
    const topics = topicsOf.get(session)!
    topics.delete(topic)
    if (topics.size === 0) {
      topicsOf.delete(session)
      departing.delete(session)
    }
    return true
  }

  return {
    async change(topic, most, compose) {
      const { set, gone } = compose(salt)
      const listed = lists.get(topic)
      const free = set.filter(({ session }) => listed?.has(session) || (topicsOf.get(session)?.size ?? 0) < most)
      for (const { session, row } of free) put(topic, session, row)
      const left = gone.filter(({ session, departed }) => !(departed && isHere(session)) && take(topic, session))
      if (free.length + left.length > 0)
        append({
          topic,
          data: toldText(
            free.map(({ row }) => row),
            left.map(({ ids }) => ids),
          ),
        })
      const taken = new Set(free)
      return { refused: new Set(set.filter((one) => !taken.has(one)).map(({ session }) => session)) }
    },
    async list(topic) {
      const { epoch, offset } = head(topic)
      return { epoch, offset, salt, rows: [...(lists.get(topic)?.values() ?? [])] }
    },
    async departed(grace, session) {
      const due = session === undefined ? [...departing].filter(([, since]) => since <= now() - grace) : [[session]]
      return due.slice(0, MOST_DEPARTED).flatMap(([name]): Departure[] => {
        const gone = name as string
        if (isHere(gone)) departing.delete(gone)
        const topics = isHere(gone) ? [] : [...(topicsOf.get(gone) ?? [])]
        if (topics.length > 0) departing.set(gone, now() - grace + CLAIM)
        return topics.map((topic) => ({ session: gone, topic, row: lists.get(topic)!.get(gone)! }))
      })
    },
    left(session) {
      if (topicsOf.has(session)) departing.set(session, now())
    },
    forget() {
      for (const all of [lists, topicsOf, departing]) all.clear()
    },
  }
}
