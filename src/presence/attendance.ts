import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import { changeMembers, memberList, type Member, type MemberChanges, type MembersAnswer } from '../protocol/members.js'
import { serialise } from '../protocol/json.js'
import { ENTER, LEAVE, PRESENCE } from '../protocol/own-methods.js'
import { presenceTopic } from '../protocol/own-topics.js'
import { insidesOf } from '../socket/insides.js'
import type { CoreSocket } from '../socket/live-socket.js'
import { fold } from '../socket/reading.js'
import type { ReadableStore } from '../socket/store.js'

/** One of those of a socket who want to be present in a topic. It hears of refusals that nobody waits for. */
export interface Claimant {
  readonly failed: ((error: LiveSocketError) => void) | undefined
}

/** A socket and a topic: who is there, and what this client says of itself. */
export interface Attendance {
  readonly members: ReadableStore<readonly Member[]>
  /** What was claimed last is what is told. */
  /** `update`: only where it has claimed before. */
  claim(who: Claimant, data: unknown, update?: boolean): Promise<void>
  drop(who: Claimant): Promise<void>
  failed(who: Claimant, error: LiveSocketError): void
}

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
  const topics = all.get(socket) ?? new Map<string, WeakRef<Attendance>>()
  all.set(socket, topics)
  const known = topics.get(topic)?.deref()
  if (known) return known
  const fresh = createAttendance(socket, topic)
  topics.set(topic, new WeakRef(fresh))
  return fresh
}

function createAttendance(socket: CoreSocket<any, any, any>, topic: string): Attendance {
  /** By when they last said something. */
  const claims = new Map<Claimant, string>()
  /** Who waits for what was wanted then. */
  const waiting = new Map<number, (error?: LiveSocketError) => void>()
  /** Of what is wanted now, and of the newest that the server has answered; rises over all of this session's. */
  let wanted = 0
  let answered = 0
  /** What it took last. */
  let taken: string | undefined
  /** What the topic says of us: null where we are not there, undefined where that is not known. */
  let seen: number | null | undefined
  let me = ''
  let busy = false
  let cancel = () => {}
  let release: (() => void) | undefined

  const told: ReadableStore<Told> = fold(
    socket,
    presenceTopic(topic),
    ({ members }: Told, changes: unknown) => {
      changeMembers(members, changes as MemberChanges)
      note(changes as MemberChanges)
      return { members }
    },
    { members: new Map() },
    {
      async load({ signal }) {
        const members = new Map<string, Member>()
        let position!: MembersAnswer
        let own: number | null = null
        let after: string | undefined
        do {
          const page = (await socket.request(PRESENCE, { topic, after }, { idempotent: true, signal })) as MembersAnswer
          position ??= page
          me = page.you[1]
          changeMembers(members, { set: page.rows })
          own = page.rows.find((row) => row[1] === me)?.[3] ?? own
          after = page.next
        } while (after)
        seen = own
        later(LOOK)
        return { state: { members }, position }
      },
      onError(error) {
        if (error.code === 'forbidden') end(error)
      },
    },
  )
  const { clock, random, store, report, session } = insidesOf(socket)!
  let present = session()

  function note({ set = [], gone = [] }: MemberChanges) {
    const before = seen
    for (const [, connection] of gone) if (connection === me) seen = null
    for (const row of set) if (row[1] === me) seen = row[3]
    if (seen !== before) later(LOOK)
  }

  function later(delay: number) {
    cancel()
    cancel = clock.setTimeout(look, delay * (1 + random()))
  }

  /** Says what has not been said, and again what the topic does not bear out: whatever has become of it. */
  function look() {
    renew()
    if (wanted > answered || (seen !== undefined && seen !== (claims.size > 0 ? wanted : null))) say()
  }

  function say() {
    if (busy) return
    busy = true
    const n = wanted
    const json = [...claims.values()].at(-1)
    const data = json && (JSON.parse(json) as unknown)
    const mine = session()
    socket.request(json ? ENTER : LEAVE, { topic, n, data }, { idempotent: true, timeout: Infinity }).then(
      () => {
        taken = json
        ended(n)
      },
      (error: LiveSocketError) => {
        if (mine === session() && (error.retryAfter || error.code === 'outcome-unknown')) {
          busy = false
          return later(error.retryAfter || 1_000)
        }
        ended(n, error)
      },
    )
  }

  function ended(n: number, error?: LiveSocketError) {
    busy = false
    renew()
    answered = Math.max(answered, n)
    const newest = [...claims.keys()].at(-1)
    if (error && newest && n === wanted) {
      // What it had taken before still holds.
      if (taken && error.code !== 'forbidden') claims.set(newest, taken)
      else end(error)
    }
    settle(n, error)
    if (claims.size > 0) later(LOOK)
    if (wanted > answered) say()
  }

  function settle(n: number, error?: LiveSocketError) {
    for (const [at, done] of waiting) if (at <= n && waiting.delete(at)) done(error)
  }

  /** We are not present any more, and may not be. */
  function end(error: LiveSocketError) {
    const heard = waiting.size
    const lost = [...claims.keys()]
    clear()
    settle(wanted, error)
    if (!heard) for (const who of lost) failed(who, error)
  }

  function clear() {
    claims.clear()
    taken = undefined
    answered = wanted
    rest()
  }

  /** Whether others are there is for those who look. */
  function rest() {
    release?.()
    release = undefined
  }

  /** What somebody has said of himself is nothing that the next one says. */
  function renew() {
    if (present === session()) return
    present = session()
    seen = undefined
    clear()
    settle(wanted, new LiveSocketError('closed', explain`presence in "${topic}": the session has ended.`))
  }

  function failed(who: Claimant, error: LiveSocketError) {
    if (who.failed) who.failed(error)
    else report(explain`This client is not present in "${topic}".`, error)
  }

  function want(): Promise<void> {
    // Above what an earlier attendance of the session has said.
    const n = (wanted = Math.max(wanted + 1, clock.now()))
    // What is taken back in the same turn is not said: components come and go together.
    queueMicrotask(look)
    return new Promise((resolve, reject) => {
      waiting.set(n, (error) => (error ? reject(error) : resolve()))
    })
  }

  const self: Attendance = {
    members: {
      getState: () => listOf(told.getState()),
      getInitialState: () => listOf(told.getInitialState()),
      subscribe(listener) {
        listOf(told.getState())
        return told.subscribe((now, before) => listener(listOf(now), listOf(before)))
      },
    },
    async claim(who, data, update) {
      renew()
      const text = serialise(data ?? null)
      const wrong =
        'invalid' in text ? text.invalid : update && !claims.has(who) && explain`enter() comes before update()`
      if (wrong) throw new LiveSocketError('invalid', explain`presence in "${topic}": ${wrong}.`)
      claims.delete(who)
      claims.set(who, (text as { json: string }).json)
      if (!release) {
        // Whoever asks for it finds it for as long as somebody is there by it.
        const unfold = told.subscribe(() => self)
        const unwatch = store.subscribe(renew)
        release = () => {
          unfold()
          unwatch()
        }
      }
      await want()
    },
    async drop(who) {
      renew()
      if (!claims.delete(who)) return
      if (claims.size === 0) rest()
      await want()
    },
    failed,
  }
  return self
}
