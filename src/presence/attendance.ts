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

/** One handle of a socket that wants to be present in a topic. It is called with refusals that no promise reports. */
export type Claimant = (error: LiveSocketError) => void

/** Who is present in a topic, and what this client says of itself there: one for each socket and topic. */
export interface Attendance {
  readonly members: ReadableStore<readonly Member[]>
  /** The newest claim is the one that is sent. `update`: rejects if `who` has not claimed before. */
  claim(who: Claimant, data: unknown, update?: boolean): Promise<void>
  drop(who: Claimant): Promise<void>
  /**
   * Reports a refusal to `onError`, or as an `error` event if there is none. What `onError` throws is an `error` event
   * too. The end of the session is no refusal: without `onError` it is not reported.
   */
  report(error: LiveSocketError, onError?: Claimant): void
}

/** A copy of what this client says of itself. */
type Claim = KeptFrame<'presence'>

/** All states share one map. The list of a state is made when it is first read, and that is before the next change. */
interface Told {
  readonly members: Map<string, Member>
  list?: readonly Member[]
}

const listOf = (told: Told) => (told.list ??= memberList(told.members))

/** Milliseconds until it is checked whether the topic says of us what we want. By then what was sent has arrived. */
const LOOK = 250

/** Kept alive by those who use them, and while this client is present. */
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
  /** The newest claim of each claimant, in the order in which they were made. */
  readonly #claims = new Map<Claimant, Claim>()
  /** Callers that wait for the state of this number, or of a later one. */
  readonly #waiting = new Map<number, (error?: LiveSocketError) => void>()
  /** The number of the state that is wanted. It rises throughout the session. */
  #wanted = 0
  /** The wanted state has yet to be sent. */
  #unsaid = false
  /** The last claim that the server accepted. */
  #taken: Claim | undefined
  #me = ''
  #busy = false
  /** Stop what listens while there is a claimant. */
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
        // Keeps this attendance alive while there is a claimant, so that later callers find it.
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
    this.#insides.report(
      explain`This client may not be present in "${this.#said.topic}", or may not see who is.`,
      error,
    )
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
    // Only the whole list can say that we are not in it.
    this.#hear(this.#me, null)
    changeMembers(members, { set: rows }, this.#hear)
    return { state: { members }, position }
  }

  /**
   * The topic has news of a connection. If it is ours and differs from what we want, our wish is sent again, unless it
   * comes true soon. A leave is always sent again: what was sent before it may still be under way.
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

  /** Sends what has not been sent, or what the topic does not show. */
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
      // The claim that the server accepted before still holds.
      if (this.#taken && code !== 'forbidden') this.#claims.set(who, this.#taken)
      else this.#end(error)
    }
    this.#settle(n, error)
    // After `closed` it is sent when the socket is live again.
    if (code === 'closed') this.#unsaid = true
    else if (n === this.#wanted) this.#later(LOOK)
    else void this.#look()
  }

  #settle(n: number, error?: LiveSocketError) {
    for (const [at, done] of this.#waiting) if (at <= n && this.#waiting.delete(at)) done(error)
  }

  /** This client is not present any more, because the server refuses it. */
  #end(error: LiveSocketError) {
    const claimants = [...this.#claims.keys()]
    const isHeard = this.#waiting.size > 0
    this.#clear(error)
    // A client that only looks is notified as well.
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

  /** Without a claimant only the readers of `members` decide whether the topic is followed. */
  #rest() {
    for (const undo of this.#undos.splice(0)) undo()
  }

  /** What the former user said of himself does not apply to the next one. */
  #renew() {
    if (this.#present === this.#insides.session) return
    this.#present = this.#insides.session
    this.#clear(failure(this.#said, 'closed', explain`the session has ended`))
  }

  #want(): Promise<void> {
    // Higher than what an earlier attendance of this session may have sent.
    const n = (this.#wanted = Math.max(this.#wanted + 1, this.#insides.settings.clock.now()))
    // What is taken back in the same turn is not sent: components come and go together.
    this.#unsaid = true
    queueMicrotask(() => this.#look())
    return new Promise((resolve, reject) => {
      this.#waiting.set(n, (error) => (error ? reject(error) : resolve()))
    })
  }
}
