import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { Admission, LogStatus, PresenceChange } from '../log/topic-log.js'
import { decodeName, encodeName, type Keys } from './keys.js'
import { troubleOf } from './redis-failure.js'
import type { RedisConnection } from './redis-connection.js'
import { SCRIPTS } from './scripts.js'

/**
 * The sessions with a leg on this node. Redis knows of all nodes' legs, each for as long as the lease of its node runs.
 */
export interface SessionLeases {
  admit(session: string, leg: number, subject: string | undefined): Promise<Admission>
  /** Resolves when Redis has heard of it, however long it is away; at the latest when this is closed. */
  release(session: string, leg: number): Promise<{ readonly last: boolean }>
  /** See `TopicLog.presence`. */
  follow(listener: (change: PresenceChange) => boolean): () => void
  /** Redis is there, again or under another epoch: tells it of the legs that are here. */
  restore(): void
  /** Not ready: Redis is there, and the lease cannot be renewed. Then it takes nothing else that is written either. */
  status(): LogStatus
  close(): Promise<void>
}

export interface SessionLeasesDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly node: string
  readonly clock: Clock
  readonly lease: number
  /** How long a session without legs is remembered, in milliseconds, as `memoryLog` does. */
  readonly idle: number
  /** Sessions without legs that are remembered, of all nodes. */
  readonly maxIdle?: number
}

/** A node that says nothing for that long is dead, and its legs with it. Renewed three times in that time. */
export const LEASE = 15_000
/**
 * And no more of them than that, the longest idle forgotten first: each may be a key of some 200 bytes that a stranger
 * made.
 */
export const MAX_IDLE = 100_000
/** Each session that has a leg is renewed once in so many ticks: long before it would be forgotten. */
const TICKS = 60
const AT_ONCE = 500
/** Legs of a dead node that are taken over in one step. */
const SWEPT = 100

interface Held {
  newest: number
  readonly subject: string
  readonly legs: Set<number>
}

/** A leg whose end Redis has not heard of. */
interface Debt {
  readonly session: string
  readonly leg: number
  /** It was asked before, and the answer was lost: this one is the same. */
  again: boolean
  readonly settle: (last: boolean) => void
}

export function createSessionLeases(
  { connection, keys, node, clock, lease, idle, maxIdle = MAX_IDLE }: SessionLeasesDeps,
  onError: (error: unknown, doing: string) => void,
): SessionLeases {
  const held = new Map<string, Held>()
  const owed = new Set<Debt>()
  const listeners = new Set<(change: PresenceChange) => boolean>()
  const mine = keys.legs(node)
  let refused: { readonly reason: string; readonly since: number } | null = null
  let tick = 0
  let paying = false
  let closed = false
  let cancel: () => void = () => undefined

  function subjectOf(subject: string | undefined): string {
    return subject === undefined ? '-' : encodeName(subject)
  }

  function tell(change: PresenceChange) {
    for (const listener of [...listeners]) if (listener(change)) return
  }

  /** Answers whether this node may have been taken for dead. */
  async function renew(sessions: readonly (readonly [string, Held])[]): Promise<boolean> {
    let late = false
    for (let from = 0; from === 0 || from < sessions.length; from += AT_ONCE) {
      const some = sessions.slice(from, from + AT_ONCE)
      let under = ''
      const [, word, seq, last, ...revived] = await connection.run(SCRIPTS.tend, (epoch) => ({
        keys: [
          ((under = epoch), keys.root),
          keys.nodes,
          mine,
          keys.idle,
          ...some.map(([session]) => keys.session(session)),
        ],
        args: [
          node,
          lease,
          idle,
          ...some.flatMap(([session, { newest, subject, legs }]) => [
            newest,
            subject,
            encodeName(session),
            [...legs].join(' '),
          ]),
        ],
      }))
      connection.knows({ epoch: under, seq: Number(seq), last: String(last) })
      late ||= word === 'late'
      for (const name of revived) tell({ type: 'joined', session: decodeName(String(name))! })
    }
    return late
  }

  /**
   * Legs of nodes that died are this one's to release. Where nobody here wants to know, it is left to those who do, for
   * a while.
   */
  async function sweep() {
    for (let more = true; more; ) {
      const [, ...taken] = await connection.run(SCRIPTS.sweep, () => ({
        keys: [keys.root, keys.nodes, mine, keys.members],
        args: [node, lease, listeners.size > 0 ? 0 : idle, keys.tag, SWEPT],
      }))
      more = taken.length > 0
      for (let at = 0; at < taken.length; at += 3) {
        const session = decodeName(String(taken[at + 1]))!
        const subject = decodeName(String(taken[at + 2])) ?? undefined
        const settle = (last: boolean) =>
          void (last && tell({ type: 'left', session, ...(subject === undefined ? undefined : { subject }) }))
        owed.add({ session, leg: Number(taken[at]), again: false, settle })
      }
    }
  }

  async function tend(due: readonly (readonly [string, Held])[]) {
    try {
      if (await renew(due)) await renew([...held])
      refused = null
    } catch (error) {
      refused = { reason: troubleOf(error), since: refused?.since ?? clock.monotonic() }
      throw error
    }
    await sweep()
    await pay()
  }

  function arm() {
    if (closed) return
    cancel = clock.setTimeout(() => {
      tick = (tick + 1) % TICKS
      let at = 0
      const due = [...held].filter(() => at++ % TICKS === tick)
      if (connection.here) attempt(() => tend(due), 'renewing the lease of this node')
      arm()
    }, lease / 3)
  }
  arm()

  function attempt(task: () => Promise<void>, doing: string) {
    task().catch((error: unknown) => connection.here && !closed && onError(error, doing))
  }

  async function releaseNow({ session, leg, again }: Pick<Debt, 'session' | 'leg' | 'again'>): Promise<boolean> {
    const [, outcome] = await connection.run(SCRIPTS.release, () => ({
      keys: [keys.root, keys.session(session), keys.nodes, mine, keys.idle],
      args: [leg, node, idle, lease, nameOf(session, leg), again ? '1' : '', maxIdle],
    }))
    return outcome === 'last'
  }

  async function pay() {
    if (paying) return
    paying = true
    try {
      for (const debt of owed) {
        const last = await releaseNow(debt)
        if (owed.delete(debt)) debt.settle(last)
      }
    } catch (error) {
      for (const debt of owed) debt.again = true
      throw error
    } finally {
      paying = false
    }
  }

  function owe(session: string, leg: number, again: boolean, settle: (last: boolean) => void) {
    owed.add({ session, leg, again, settle })
    // It may have come back meanwhile.
    if (connection.here) attempt(pay, 'releasing legs')
  }

  return {
    async admit(session, leg, subject) {
      let reply: readonly unknown[]
      try {
        reply = await connection.run(SCRIPTS.admit, () => ({
          keys: [keys.root, keys.session(session), keys.nodes, mine, keys.idle],
          args: [leg, subjectOf(subject), node, idle, lease, nameOf(session, leg)],
        }))
      } catch (error) {
        // It may be in all the same, and whoever asked knows of no leg to release.
        if (!closed && !(error instanceof LiveSocketError && error.code === 'refused'))
          owe(session, leg, false, () => undefined)
        throw error
      }
      const [outcome, first] = reply
      if (outcome !== 'admitted') return { outcome: outcome as 'superseded' | 'forbidden' }
      const entry = held.get(session) ?? { newest: leg, subject: subjectOf(subject), legs: new Set() }
      entry.newest = Math.max(entry.newest, leg)
      entry.legs.add(leg)
      held.set(session, entry)
      return { outcome: 'admitted', first: first === 'first' }
    },
    async release(session, leg) {
      const entry = held.get(session)
      const here = entry?.legs.delete(leg) ?? false
      if (entry?.legs.size === 0) held.delete(session)
      try {
        return { last: await releaseNow({ session, leg, again: false }) }
      } catch (error) {
        if (closed || !here) throw error
        return { last: await new Promise<boolean>((resolve) => owe(session, leg, true, resolve)) }
      }
    },
    follow(listener) {
      const entry = (change: PresenceChange) => listener(change)
      listeners.add(entry)
      return () => void listeners.delete(entry)
    },
    restore: () => attempt(() => renew([...held]).then(() => pay()), 'telling Redis of the sessions here'),
    status: () =>
      refused ? { ready: false, reason: refused.reason, away: clock.monotonic() - refused.since } : { ready: true },
    async close() {
      closed = true
      cancel()
      listeners.clear()
      for (const { settle } of owed) settle(false)
      owed.clear()
      if (!connection.here) return
      // What is still open here is so no longer.
      const all = [...held].flatMap(([session, { legs }]) =>
        [...legs].map((leg) => releaseNow({ session, leg, again: false })),
      )
      held.clear()
      await Promise.allSettled(all)
    },
  }
}

/** As `legs` of the keys has it. */
function nameOf(session: string, leg: number): string {
  return `${leg} ${encodeName(session)}`
}
