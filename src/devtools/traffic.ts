import type { Member, MemberChanges, MembersAnswer } from '../protocol/members.js'
import { changeMembers } from '../protocol/members.js'
import { OWN_METHOD, PRESENCE } from '../protocol/own-methods.js'
import { presenceOf } from '../protocol/own-topics.js'

/** What goes over a live socket's connections besides messages. */
export interface Traffic {
  /** A frame was sent on that connection; `came`: a frame arrived. */
  outgoing(text: unknown, connection?: object): void
  came(text: unknown): void
  /** The connection has ended: requests that were last sent on it get no answer. */
  closed(connection: object): void
  /** Requests of the application: all of them, and those that wait for an answer. */
  readonly requests: { readonly asked: number; readonly waiting: number }
  readonly signals: { readonly out: number; readonly in: number }
  /** How many members each topic has, if their list was requested. */
  readonly members: ReadonlyMap<string, number>
}

/** The bound of waiting requests, and of topics whose members are counted: more than any page needs. */
const MOST = 1_000

interface Frame {
  readonly type?: unknown
  readonly id?: string
  readonly method?: string
  readonly topic?: string
  readonly data?: unknown
}

/** Only these frames are parsed. For a message of a busy topic it is enough to look at its beginning. */
const READ = /^\{"type":"(request|cancel|ack|nack|signal|message","topic":"livesocket\.)/

export function createTraffic(): Traffic {
  /** Waiting requests of the application, each with the connection on which it was last sent. */
  const waiting = new Map<string, object | undefined>()
  /** The same for requests of a topic's members. */
  const lists = new Map<string, { readonly topic: string; readonly on: object | undefined }>()
  /** A request that is sent again on another leg is the same request. */
  const known = new Set<string>()
  const topics = new Map<string, Map<string, Member>>()
  const requests = { asked: 0 }
  const signals = { out: 0, in: 0 }

  function read(text: unknown): Frame | null {
    return typeof text === 'string' && READ.test(text) ? (JSON.parse(text) as Frame) : null
  }

  function change(topic: string, changes: MemberChanges) {
    const members = topics.get(topic) ?? new Map<string, Member>()
    if (topics.size < MOST) topics.set(topic, members)
    changeMembers(members, changes)
  }

  function asked({ id = '', method = '', data }: Frame, on: object | undefined) {
    if (method === PRESENCE) keep(lists).set(id, { topic: (data as { topic: string }).topic, on })
    if (method.startsWith(OWN_METHOD)) return
    keep(waiting).set(id, on)
    if (known.has(id)) return
    keep(known).add(id)
    requests.asked++
  }

  /** The request is answered, or nobody waits for it any more. */
  function answered({ id = '', type, data }: Frame) {
    waiting.delete(id)
    const list = lists.get(id)
    lists.delete(id)
    if (list && type === 'ack') change(list.topic, { set: (data as MembersAnswer).rows })
  }

  function heard(frame: Frame | null) {
    if (!frame) return
    if (frame.type === 'signal') signals.in++
    else if (frame.type !== 'message') answered(frame)
    else {
      const topic = presenceOf(frame.topic!)
      if (topic !== null && frame.data) change(topic, frame.data as MemberChanges)
    }
  }

  function sent(frame: Frame | null, on: object | undefined) {
    if (frame?.type === 'request') asked(frame, on)
    if (frame?.type === 'cancel') answered(frame)
    if (frame?.type === 'signal') signals.out++
  }

  /** Invalid frames are reported elsewhere, and an observer must not stop anything. */
  function look(at: () => void) {
    try {
      at()
    } catch {}
  }

  return {
    outgoing: (text, connection) => look(() => sent(read(text), connection)),
    came: (text) => look(() => heard(read(text))),
    closed(connection) {
      for (const [id, on] of waiting) if (on === connection) waiting.delete(id)
      for (const [id, { on }] of lists) if (on === connection) lists.delete(id)
    },
    get requests() {
      return { asked: requests.asked, waiting: waiting.size }
    },
    signals,
    get members() {
      return new Map([...topics].map(([topic, members]) => [topic, members.size]))
    },
  }
}

/** Makes room for one more entry by dropping the oldest. */
function keep<Kept extends Map<string, unknown> | Set<string>>(kept: Kept): Kept {
  if (kept.size >= MOST) for (const id of [...kept.keys()].slice(0, 1)) kept.delete(id)
  return kept
}
