import type { Admission } from './topic-log.js'

/** Which sessions there are, their newest leg and whose they are. */
export interface SessionRegister {
  admit(session: string, leg: number, subject: string | undefined): Admission
  release(session: string, leg: number): { readonly last: boolean }
  /** Whether the session's very first leg came here, and since the last `mark`. */
  knownThroughout(session: string): boolean
  /** From here on it is another record that sessions are known throughout. */
  mark(): void
  readonly size: number
}

interface Session {
  newest: number
  readonly legs: Set<number>
  readonly subject: string | undefined
  /** The mark under which its very first leg came; -1 where that came elsewhere. */
  readonly begunUnder: number
  idleSince: number
}

/**
 * A session without legs is remembered for `idle` milliseconds, so that an older leg of it that was long on its way is still
 * known for what it is; and no more than `maxIdle` of them.
 */
export function createSessionRegister(limits: { idle: number; maxIdle: number }, now: () => number): SessionRegister {
  const sessions = new Map<string, Session>()
  /** Those without legs, the longest idle first. */
  const idle = new Map<string, Session>()
  let marks = 0

  function forget() {
    const from = now() - limits.idle
    for (const [name, session] of idle) {
      if (session.idleSince >= from && idle.size <= limits.maxIdle) return
      idle.delete(name)
      sessions.delete(name)
    }
  }

  return {
    admit(name, leg, subject) {
      forget()
      let session = sessions.get(name)
      if (session && session.subject !== subject) return { outcome: 'forbidden' }
      if (session && leg <= session.newest) return { outcome: 'superseded' }
      if (!session) {
        session = { newest: leg, legs: new Set(), subject, begunUnder: leg === 1 ? marks : -1, idleSince: 0 }
        sessions.set(name, session)
      }
      const first = session.legs.size === 0
      session.newest = leg
      session.legs.add(leg)
      idle.delete(name)
      return { outcome: 'admitted', first }
    },
    release(name, leg) {
      const session = sessions.get(name)
      if (!session?.legs.delete(leg) || session.legs.size > 0) return { last: false }
      session.idleSince = now()
      idle.set(name, session)
      forget()
      return { last: true }
    },
    knownThroughout: (name) => sessions.get(name)?.begunUnder === marks,
    mark: () => void marks++,
    get size() {
      return sessions.size - idle.size
    },
  }
}
