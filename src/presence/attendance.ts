import { explain } from '../base/explanation.js'
import type { LiveSocketError } from '../base/errors.js'
import {
  changeMembers,
  memberList,
  type Member,
  type MemberChanges,
  type MemberRow,
  type MembersAnswer,
} from '../protocol/members.js'
import { ENTER, LEAVE, PRESENCE } from '../protocol/own-methods.js'
import { presenceTopic } from '../protocol/own-topics.js'
import { KeptFrame } from '../publishes/kept-frame.js'
import { failure } from '../publishes/refusal.js'
import { insidesOf, type Insides } from '../socket/insides.js'
import type { CoreSocket } from '../socket/live-socket.js'
import { fold } from '../socket/reading.js'
import type { ReadableStore } from '../socket/store.js'
import { checkTopic } from '../socket/topic-arguments.js'

/** One of those of a socket who want to be present in a topic: it hears of refusals that nobody waits for. */
export type Claimant = (error: LiveSocketError) => void

/** A socket and a topic: who is there, and what this client says of itself. */
export interface Attendance {
  readonly members: ReadableStore<readonly Member[]>
  /** What was claimed last is what is told. `update`: only where it has claimed before. */
  claim(who: Claimant, data: unknown, update?: boolean): Promise<void>
  drop(who: Claimant): Promise<void>
  /**
   * Tells of a refusal: `onError`, or whoever hears `error` events, and these of what `onError` threw as well. That the
   * session is over nobody has refused.
   */
  report(error: LiveSocketError, onError?: Claimant): void
}

/** What this client says of itself: a copy. */
type Claim = KeptFrame<'presence'>

/** All share one map: each has its list from when it is first looked at, which is before the next one is told. */
interface Told {
  readonly members: Map<string, Member>
  list?: readonly Member[]
}

const listOf = (told: Told) => (told.list ??= memberList(told.members))

/** So much later it is looked whether what the topic says of us is what we want, ms: what was said has come by then. */
const LOOK = 250

/** Kept by who uses them, and by who is there. */
const all = new WeakMap<object, Map<string, WeakRef<Attendance>>>()

export function attendanceOf(socket: CoreSocket<any, any, any>, topic: string): Attendance {
  checkTopic(topic)
  const topics = all.get(socket) ?? new Map<string, WeakRef<Attendance>>()
  const known = topics.get(topic)?.deref()
  if (known) return known
  const fresh = new TopicAttendance(socket, topic)
  all.set(socket, topics.set(topic, new WeakRef(fresh)))
  return fresh
}

class TopicAttendance implements Attendance {
  readonly #socket: CoreSocket<any, any, any>
  readonly #said
  readonly #insides: Insides
  readonly #told: ReadableStore<Told>
  readonly members: ReadableStore<readonly Member[]>
  /** By when they last said something. */
  readonly #claims = new Map<Claimant, Claim>()
  /** Who waits for what was wanted then. */
  readonly #waiting = new Map<number, (error?: LiveSocketError) => void>()
  /** Of what is wanted now; rises over all of this session's. */
  #wanted = 0
  /** It is still to be said. */
  #unsaid = false
  /** What it took last. */
  #taken: Claim | undefined
  #me = ''
  #busy = false
  /** Of what listens while somebody is there. */
  readonly #undos: (() => void)[] = []
  #present: unknown

  constructor(socket: CoreSocket<any, any, any>, topic: string) {
    this.#socket = socket
    this.#said = { type: 'presence', topic } as const
    this.#insides = insidesOf(socket)!
    const told = (this.#told = fold(
      socket,
      presenceTopic(topic),
      ({ members }: Told, changes: unknown) => {
        changeMembers(members, changes as MemberChanges, this.#hear)
        return { members }
      },
      { members: new Map() },
      {
        load: ({ signal }) => this.#load(signal),
        onError: (error) => {
          if (error.code === 'forbidden') this.#end(error)
        },
      },
    ))
    this.members = {
      getState: () => listOf(told.getState()),
      getInitialState: () => listOf(told.getInitialState()),
      subscribe(listener) {
        listOf(told.getState())
        return told.subscribe((now, before) => listener(listOf(now), listOf(before)))
      },
    }
  }

  async claim(who: Claimant, data: unknown, update?: boolean) {
    this.#renew()
    const claim = new KeptFrame(this.#said, data ?? null)
    if (update && !this.#claims.has(who)) throw failure(this.#said, 'invalid', explain`enter() comes before update()`)
    this.#claims.delete(who)
    this.#claims.set(who, claim)
    if (this.#undos.length === 0)
      this.#undos.push(
        // Whoever asks for it finds it for as long as somebody is there by it.
        this.#told.subscribe(() => this),
        this.#insides.store.subscribe((now, before) => {
          this.#renew()
          if (now.status === 'live' && before.status !== 'live') this.#later(LOOK)
        }),
      )
    await this.#want()
  }

  async drop(who: Claimant) {
    this.#renew()
    if (!this.#claims.delete(who)) return
    if (this.#claims.size === 0) this.#rest()
    await this.#want()
  }

  report(error: LiveSocketError, onError?: Claimant): void {
    try {
      if (onError || error.code === 'closed') return onError?.(error)
    } catch (thrown) {
      error = thrown as LiveSocketError
    }
    this.#insides.report(explain`This client is not present in "${this.#said.topic}", or not shown who is.`, error)
  }

  async #load(signal: AbortSignal) {
    const members = new Map<string, Member>()
    const rows: MemberRow[] = []
    let position!: MembersAnswer
    let after: string | undefined
    do {
      const page = (await this.#socket.request(
        PRESENCE,
        { topic: this.#said.topic, after },
        { idempotent: true, signal },
      )) as MembersAnswer
      position ??= page
      rows.push(...page.rows)
      after = page.next
    } while (after)
    this.#me = position.you[1]
    // Only the whole list says that we are not in it.
    this.#hear(this.#me, null)
    changeMembers(members, { set: rows }, this.#hear)
    return { state: { members }, position }
  }

  /**
   * What the topic says of others, and of us: what is not as we want it is said again, unless it comes to be soon. That
   * we leave is said in any case: what was said before may still be on its way.
   */
  readonly #hear = (connection: string, n: number | null) => {
    if (connection !== this.#me) return
    if (n !== (this.#claims.size > 0 ? this.#wanted : null)) {
      this.#unsaid = true
      this.#later(LOOK)
    } else if (n !== null) {
      this.#unsaid = false
      this.#settle(n)
    }
  }

  #later(delay: number) {
    const { clock, random } = this.#insides.settings
    clock.setTimeout(() => this.#look(), delay * (1 + random()))
  }

  /** Says what has not been said, or is not what the topic says: whatever has become of it. */
  async #look() {
    this.#renew()
    if (this.#busy || !this.#unsaid) return
    this.#busy = true
    this.#unsaid = false
    const mine = this.#present
    const n = this.#wanted
    const [who, claim] = [...this.#claims].at(-1) ?? []
    const ask = { topic: this.#said.topic, n, data: claim?.data }
    const error = await this.#socket.request(claim ? ENTER : LEAVE, ask, { idempotent: true, timeout: Infinity }).then(
      () => void (this.#taken = claim),
      (refusal: LiveSocketError) => refusal,
    )
    this.#busy = false
    this.#renew()
    const { code, retryAfter } = error ?? {}
    if (mine === this.#present && (retryAfter || code === 'outcome-unknown')) {
      this.#unsaid = true
      return this.#later(retryAfter || 1_000)
    }
    if (error && who && n === this.#wanted) {
      // What it had taken before still holds.
      if (this.#taken && code !== 'forbidden') this.#claims.set(who, this.#taken)
      else this.#end(error)
    }
    this.#settle(n, error)
    // Who is closed says it when it is live again.
    if (code === 'closed') this.#unsaid = true
    else if (n === this.#wanted) this.#later(LOOK)
    else void this.#look()
  }

  #settle(n: number, error?: LiveSocketError) {
    for (const [at, done] of this.#waiting) if (at <= n && this.#waiting.delete(at)) done(error)
  }

  /** We are not present any more, and may not be. */
  #end(error: LiveSocketError) {
    const claimants = [...this.#claims.keys()]
    const isHeard = this.#waiting.size > 0
    this.#clear(error)
    // Who only looks hears of it as well.
    if (claimants.length === 0) this.report(error)
    else if (!isHeard) for (const claimant of claimants) claimant(error)
  }

  #clear(error: LiveSocketError) {
    this.#claims.clear()
    this.#taken = undefined
    this.#unsaid = false
    this.#rest()
    this.#settle(this.#wanted, error)
  }

  /** Whether others are there is for those who look. */
  #rest() {
    for (const undo of this.#undos.splice(0)) undo()
  }

  /** What somebody has said of himself is nothing that the next one says. */
  #renew() {
    if (this.#present === this.#insides.session) return
    this.#present = this.#insides.session
    this.#clear(failure(this.#said, 'closed', explain`the session has ended`))
  }

  #want(): Promise<void> {
    // Above what an earlier attendance of the session has said.
    const n = (this.#wanted = Math.max(this.#wanted + 1, this.#insides.settings.clock.now()))
    // What is taken back in the same turn is not said: components come and go together.
    this.#unsaid = true
    queueMicrotask(() => this.#look())
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, (error) => (error ? reject(error) : resolve()))
    })
  }
}
