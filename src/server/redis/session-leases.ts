import type { Clock } from '../../base/clock.js'
import type { Admission } from '../topic-log.js'
import { encodeName, type Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import { SCRIPTS } from './scripts.js'

/** The sessions with a leg on this node. Redis knows of all nodes' legs, each for as long as the lease of its node runs. */
export interface SessionLeases {
  admit(session: string, leg: number, subject: string | undefined): Promise<Admission>
  release(session: string, leg: number): Promise<{ readonly last: boolean }>
  /** Redis is there, again or under another epoch: tells it of the legs that are here. */
  restore(): void
  close(): Promise<void>
}

/** A node that says nothing for that long is dead, and its legs with it. Renewed three times in that time. */
const LEASE = 15_000
/** How long a session without legs is remembered, as `memoryLog` does. */
const IDLE = 10 * 60_000
/** Each session that has a leg is renewed once in so many ticks: long before it would be forgotten. */
const TICKS = 60
/** A leg that went while Redis was away is released when it is back. Whoever asked waits this long. */
const OWED = 10_000
const AT_ONCE = 500

interface Held {
  newest: number
  readonly subject: string
  readonly legs: Set<number>
}

export function createSessionLeases(
  { connection, keys, node, clock }: { connection: RedisConnection; keys: Keys; node: string; clock: Clock },
  onError: (error: unknown, doing: string) => void,
): SessionLeases {
  const held = new Map<string, Held>()
  /** Legs whose end Redis has not heard of. */
  const owed = new Set<{ readonly session: string; readonly leg: number; readonly settle: (last: boolean) => void }>()
  let tick = 0
  let closed = false
  let cancel: () => void = () => undefined

  function subjectOf(subject: string | undefined): string {
    return subject === undefined ? '-' : encodeName(subject)
  }

  async function tell(sessions: readonly (readonly [string, Held])[]) {
    for (let from = 0; from === 0 || from < sessions.length; from += AT_ONCE) {
      const some = sessions.slice(from, from + AT_ONCE)
      await connection.run(SCRIPTS.tend, () => ({
        keys: [keys.root, keys.nodes, ...some.map(([session]) => keys.session(session))],
        args: [node, LEASE, IDLE, ...some.flatMap(([, { newest, subject, legs }]) => [newest, subject, [...legs].join(' ')])],
      }))
    }
  }

  function arm() {
    if (closed) return
    cancel = clock.setTimeout(() => {
      tick = (tick + 1) % TICKS
      let at = 0
      const due = [...held].filter(() => at++ % TICKS === tick)
      if (connection.here) tell(due).catch((error: unknown) => connection.here && !closed && onError(error, 'renewing the lease of this node'))
      arm()
    }, LEASE / 3)
  }
  arm()

  async function releaseNow(session: string, leg: number): Promise<boolean> {
    const [, outcome] = await connection.run(SCRIPTS.release, () => ({ keys: [keys.root, keys.session(session), keys.nodes], args: [leg, IDLE] }))
    return outcome === 'last'
  }

  async function pay() {
    for (const debt of [...owed]) {
      try {
        const last = await releaseNow(debt.session, debt.leg)
        owed.delete(debt)
        debt.settle(last)
      } catch {
        // Away again: it stays owed.
        return
      }
    }
  }

  return {
    async admit(session, leg, subject) {
      const [outcome, first] = await connection.run(SCRIPTS.admit, () => ({
        keys: [keys.root, keys.session(session), keys.nodes],
        args: [leg, subjectOf(subject), node, IDLE, LEASE],
      }))
      if (outcome !== 'admitted') return { outcome: outcome as 'superseded' | 'forbidden' }
      const mine = held.get(session) ?? { newest: leg, subject: subjectOf(subject), legs: new Set() }
      mine.newest = Math.max(mine.newest, leg)
      mine.legs.add(leg)
      held.set(session, mine)
      return { outcome: 'admitted', first: first === 'first' }
    },
    async release(session, leg) {
      const mine = held.get(session)
      const here = mine?.legs.delete(leg) ?? false
      if (mine?.legs.size === 0) held.delete(session)
      try {
        return { last: await releaseNow(session, leg) }
      } catch (error) {
        if (closed || !here) throw error
        const { promise, settle } = within(clock, OWED, error)
        owed.add({ session, leg, settle })
        // It may have come back between the failure and now.
        if (connection.here) void pay()
        return { last: await promise }
      }
    },
    restore() {
      tell([...held]).then(pay, (error: unknown) => connection.here && !closed && onError(error, 'telling Redis of the sessions here'))
    },
    async close() {
      closed = true
      cancel()
      for (const { settle } of owed) settle(false)
      owed.clear()
      if (!connection.here) return
      // What is still open here is so no longer.
      const all = [...held].flatMap(([session, { legs }]) => [...legs].map((leg) => releaseNow(session, leg)))
      held.clear()
      await Promise.allSettled(all)
    },
  }
}

function within(clock: Clock, patience: number, error: unknown): { promise: Promise<boolean>; settle: (last: boolean) => void } {
  let settle: (last: boolean) => void = () => undefined
  const promise = new Promise<boolean>((resolve, reject) => {
    const cancel = clock.setTimeout(() => reject(error), patience)
    settle = (last) => {
      cancel()
      resolve(last)
    }
  })
  return { promise, settle }
}
