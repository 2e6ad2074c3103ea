import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import type { Admission, LogStatus, PresenceChange } from '../log/topic-log.js'
import { decodeName, encodeName, type Keys } from './keys.js'
import { troubleOf } from './redis-failure.js'
import type { RedisConnection } from './redis-connection.js'
import { ReleaseDebts, type Debt } from './release-debts.js'
import { SCRIPTS } from './scripts.js'

export interface SessionLeasesDeps {
  readonly connection: RedisConnection
  readonly keys: Keys
  readonly node: string
  readonly clock: Clock
  readonly lease: number
  /** How long a session without legs is remembered, in milliseconds, the same as in `memoryLog`. */
  readonly idle: number
  /** The most sessions without legs that are remembered, over all nodes. */
  readonly maxIdle?: number
  onError(error: unknown, doing: string): void
}

/**
 * Milliseconds. A node that does not renew its lease for that long is dead, and so are its legs. It is renewed three
 * times in that time.
 */
export const LEASE = 15_000
/**
 * The most sessions without legs that are remembered; the longest idle is forgotten first. Each may be a key of some
 * 200 bytes that a stranger created.
 */
export const MAX_IDLE = 100_000
/** Each session with a leg is renewed once in this many renewals of the lease: long before it would be forgotten. */
const TICKS = 60
/** How often dead nodes are looked for between two renewals, if somebody listens for their sessions. */
const LOOKS = 5
const AT_ONCE = 500
/** The most legs of a dead node that are taken over in one step. */
const SWEPT = 100

interface Held {
  newest: number
  readonly subject: string
  readonly legs: Set<number>
}

type Listener = (change: PresenceChange) => boolean

/**
 * The sessions with a leg on this node. Redis knows the legs of all nodes, each for as long as the lease of its node
 * runs.
 */
export class SessionLeases {
  private readonly deps: SessionLeasesDeps
  /** The key of this node's legs in Redis. */
  private readonly mine: string
  private readonly held = new Map<string, Held>()
  private readonly debts: ReleaseDebts
  private readonly listeners = new Set<Listener>()
  /** Why the lease could not be renewed at the last try. */
  private refused: { readonly reason: string; readonly since: number } | null = null
  /** Since when Redis has forgotten nothing, as it last said; null before the first answer. */
  private begun: unknown = null
  /** Redis may have lost sessions that are here, and was not told of all of them since. */
  private untold = false
  private tick = 0
  private look = 0
  private closed = false
  private cancel: () => void = () => undefined

  constructor(deps: SessionLeasesDeps) {
    this.deps = deps
    this.mine = deps.keys.legs(deps.node)
    this.debts = new ReleaseDebts((debt) => this.releaseNow(debt))
    this.arm()
  }

  async admit(session: string, leg: number, subject: string | undefined): Promise<Admission> {
    const { connection, keys, node, idle, lease } = this.deps
    let reply: readonly unknown[]
    try {
      reply = await connection.run(SCRIPTS.admit, () => ({
        keys: [keys.root, keys.session(session), keys.nodes, this.mine, keys.idle],
        args: [leg, subjectText(subject), node, idle, lease, nameOf(session, leg)],
      }))
    } catch (error) {
      // The leg may be admitted anyway, and the caller does not know that it has to release it.
      if (!this.closed && !(error instanceof LiveSocketError && error.code === 'refused'))
        this.owe(session, leg, false, () => undefined)
      throw error
    }
    const [outcome, first] = reply
    if (outcome !== 'admitted') return { outcome: outcome as 'superseded' | 'forbidden' }
    this.lease(session, leg, subjectText(subject))
    return { outcome: 'admitted', first: first === 'first' }
  }

  /** Resolves when Redis knows of it, however long it is away; at the latest when this is closed. */
  async release(session: string, leg: number): Promise<{ readonly last: boolean }> {
    const entry = this.held.get(session)
    const here = entry?.legs.delete(leg) ?? false
    if (entry?.legs.size === 0) this.held.delete(session)
    try {
      return { last: await this.releaseNow({ session, leg, again: false }) }
    } catch (error) {
      if (this.closed || !here) throw error
      return { last: await new Promise<boolean>((resolve) => this.owe(session, leg, true, resolve)) }
    }
  }

  /** See `TopicLog.presence`. */
  follow(listener: Listener): () => void {
    const entry: Listener = (change) => listener(change)
    this.listeners.add(entry)
    return () => void this.listeners.delete(entry)
  }

  /** Redis is there again, or under another epoch: tells it of the legs that are here. */
  restore(): void {
    this.attempt(() => this.renew([...this.held]).then(() => this.debts.pay()), 'telling Redis of the sessions here')
  }

  /** Not ready if Redis is there and the lease cannot be renewed: then Redis accepts no other writes either. */
  status(): LogStatus {
    const { refused } = this
    if (!refused) return { ready: true }
    return { ready: false, reason: refused.reason, away: this.deps.clock.monotonic() - refused.since }
  }

  async close(): Promise<void> {
    this.closed = true
    this.cancel()
    this.listeners.clear()
    this.debts.drop()
    if (!this.deps.connection.here) return
    // Sessions that are still open here end now.
    const all = [...this.held].flatMap(([session, { legs }]) =>
      [...legs].map((leg) => this.releaseNow({ session, leg, again: false })),
    )
    this.held.clear()
    await Promise.allSettled(all)
  }

  private lease(session: string, leg: number, subject: string) {
    const entry = this.held.get(session) ?? { newest: leg, subject, legs: new Set() }
    entry.newest = Math.max(entry.newest, leg)
    entry.legs.add(leg)
    this.held.set(session, entry)
  }

  private arm() {
    if (this.closed) return
    this.cancel = this.deps.clock.setTimeout(
      () => {
        this.look = (this.look + 1) % LOOKS
        if (this.look === 0) this.renewLease()
        else if (this.listeners.size > 0 && this.deps.connection.here)
          this.attempt(() => this.sweep().then(() => this.debts.pay()), 'looking for dead nodes')
        this.arm()
      },
      this.deps.lease / 3 / LOOKS,
    )
  }

  private renewLease() {
    this.tick = (this.tick + 1) % TICKS
    let at = 0
    const due = [...this.held].filter(() => at++ % TICKS === this.tick)
    if (this.deps.connection.here) this.attempt(() => this.renewLeases(due), 'renewing the lease of this node')
  }

  private attempt(task: () => Promise<void>, doing: string) {
    task().catch((error: unknown) => this.deps.connection.here && !this.closed && this.deps.onError(error, doing))
  }

  private async renewLeases(due: readonly (readonly [string, Held])[]) {
    try {
      if (await this.renew(due)) this.untold = true
      if (this.untold) await this.renew([...this.held])
      this.untold = false
      this.refused = null
    } catch (error) {
      this.refused = {
        reason: troubleOf(error),
        since: this.refused?.since ?? this.deps.clock.monotonic(),
      }
      throw error
    }
    await this.sweep()
    await this.debts.pay()
  }

  /** Resolves with whether this node may have been taken for dead, or its sessions may have been forgotten. */
  private async renew(sessions: readonly (readonly [string, Held])[]): Promise<boolean> {
    let late = false
    for (let from = 0; from === 0 || from < sessions.length; from += AT_ONCE)
      late = (await this.renewSome(sessions.slice(from, from + AT_ONCE))) || late
    return late
  }

  private async renewSome(some: readonly (readonly [string, Held])[]): Promise<boolean> {
    const { connection, keys, node, lease, idle } = this.deps
    let under = ''
    const [, word, seq, last, now, begun, ...revived] = await connection.run(SCRIPTS.renew, (epoch) => ({
      keys: [
        ((under = epoch), keys.root),
        keys.nodes,
        this.mine,
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
    connection.time.heard(now)
    for (const name of revived) this.tell({ type: 'joined', session: decodeName(String(name))! })
    const forgotten = this.begun !== null && this.begun !== begun
    this.begun = begun
    return word === 'late' || forgotten
  }

  /**
   * Takes over the legs of nodes that died, to release them. If nobody here listens for their sessions, this is left to
   * nodes with listeners for a while.
   */
  private async sweep() {
    const { connection, keys, node, lease, idle } = this.deps
    for (let more = true; more; ) {
      const [, ...taken] = await connection.run(SCRIPTS.sweep, () => ({
        keys: [keys.root, keys.nodes, this.mine, keys.members],
        args: [node, lease, this.listeners.size > 0 ? 0 : idle, keys.tag, SWEPT],
      }))
      more = taken.length > 0
      for (let at = 0; at < taken.length; at += 3)
        this.takeOver(Number(taken[at]), String(taken[at + 1]), String(taken[at + 2]))
    }
  }

  private takeOver(leg: number, name: string, owner: string) {
    const session = decodeName(name)!
    const subject = decodeName(owner) ?? undefined
    const settle = (last: boolean) =>
      void (last && this.tell({ type: 'left', session, ...(subject === undefined ? undefined : { subject }) }))
    this.debts.add({ session, leg, again: false, settle })
  }

  private tell(change: PresenceChange) {
    for (const listener of [...this.listeners]) if (listener(change)) return
  }

  private owe(session: string, leg: number, again: boolean, settle: (last: boolean) => void) {
    this.debts.add({ session, leg, again, settle })
    // Redis may be back already.
    if (this.deps.connection.here) this.attempt(() => this.debts.pay(), 'releasing legs')
  }

  private async releaseNow({ session, leg, again }: Pick<Debt, 'session' | 'leg' | 'again'>): Promise<boolean> {
    const { connection, keys, node, idle, lease, maxIdle = MAX_IDLE } = this.deps
    const [, outcome] = await connection.run(SCRIPTS.release, () => ({
      keys: [keys.root, keys.session(session), keys.nodes, this.mine, keys.idle],
      args: [leg, node, idle, lease, nameOf(session, leg), again ? '1' : '', maxIdle],
    }))
    return outcome === 'last'
  }
}

function subjectText(subject: string | undefined): string {
  return subject === undefined ? '-' : encodeName(subject)
}

/** The name of a leg, as in the `legs` key. */
function nameOf(session: string, leg: number): string {
  return `${leg} ${encodeName(session)}`
}
