import type { PublishRecord } from './publish-record.js'
import type { Admission } from './topic-log.js'

/** Which sessions there are, their newest leg, their owner, and what became of their publishes. */
export interface SessionRegister {
  admit(session: string, leg: number, subject: string | undefined): Admission
  release(session: string, leg: number): { readonly last: boolean }
  /** Whether the session has a leg. */
  isHere(session: string): boolean
  /** The record of any session, even of one without an admitted leg. */
  record(session: string): PublishRecord
  /** Loses all records; the sessions themselves stay. */
  loseRecords(): void
  /** Sessions with a leg. */
  readonly size: number
  /** Sessions that are remembered, with a leg or without. */
  readonly known: number
  /** Answers in all records. */
  readonly answers: number
}

interface Session {
  newest: number
  readonly legs: Set<number>
  /** Null: it has no owner yet. */
  owner: { readonly subject: string | undefined } | null
  /** The time from which on its record is complete; and the record, once the session has published anything. */
  born: number
  record: PublishRecord | null
  idleSince: number
}

/**
 * A session without legs is remembered for `idle` milliseconds, so that an older leg of it that was long on its way is
 * still recognised as older. At most `maxIdle` such sessions are remembered.
 *
 * @param newRecord creates a record that is complete from that time on.
 */
export function createSessionRegister(
  limits: { idle: number; maxIdle: number },
  newRecord: (born: number) => PublishRecord,
  now: () => number,
): SessionRegister {
  const sessions = new Map<string, Session>()
  /** Sessions without legs, the longest idle first. */
  const idle = new Map<string, Session>()
  /** No publish that was decided after this time was forgotten with its session. */
  let forgottenUpTo = now()

  function forget() {
    const from = now() - limits.idle
    for (const [name, session] of idle) {
      if (session.idleSince >= from && idle.size <= limits.maxIdle) return
      idle.delete(name)
      sessions.delete(name)
      if (session.record) forgottenUpTo = Math.max(forgottenUpTo, session.idleSince)
    }
  }

  function make(name: string, born: number): Session {
    const session: Session = { newest: 0, legs: new Set<number>(), owner: null, born, record: null, idleSince: now() }
    sessions.set(name, session)
    return session
  }

  function rest(name: string, session: Session) {
    session.idleSince = now()
    idle.delete(name)
    idle.set(name, session)
    forget()
  }

  return {
    admit(name, leg, subject) {
      forget()
      let session = sessions.get(name)
      if (session?.owner && session.owner.subject !== subject) return { outcome: 'forbidden' }
      if (session && leg <= session.newest) return { outcome: 'superseded' }
      // Before the session's very first leg nothing was published.
      session ??= make(name, leg === 1 ? -Infinity : forgottenUpTo)
      session.owner ??= { subject }
      const first = session.legs.size === 0
      session.newest = leg
      session.legs.add(leg)
      idle.delete(name)
      return { outcome: 'admitted', first }
    },
    release(name, leg) {
      const session = sessions.get(name)
      if (!session?.legs.delete(leg) || session.legs.size > 0) return { last: false }
      rest(name, session)
      return { last: true }
    },
    isHere: (name) => (sessions.get(name)?.legs.size ?? 0) > 0,
    record(name) {
      const session = sessions.get(name) ?? make(name, forgottenUpTo)
      // What a leg had sent is still applied after the leg is gone.
      if (session.legs.size === 0) rest(name, session)
      session.record ??= newRecord(session.born)
      return session.record
    },
    loseRecords() {
      forgottenUpTo = now()
      for (const session of sessions.values()) Object.assign(session, { born: forgottenUpTo, record: null })
    },
    get size() {
      return sessions.size - idle.size
    },
    get known() {
      return sessions.size
    },
    get answers() {
      let answers = 0
      for (const { record } of sessions.values()) answers += record?.size ?? 0
      return answers
    },
  }
}
