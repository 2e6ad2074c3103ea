import type { Member, MemberChanges, MembersAnswer } from '../protocol/members.js'
import { changeMembers } from '../protocol/members.js'
import { OWN_METHOD, PRESENCE } from '../protocol/own-methods.js'
import { presenceOf } from '../protocol/own-topics.js'

/** What goes over a live socket's connections beside its messages. */
export interface Traffic {
  /** A frame was sent, or came. */
  outgoing(text: unknown): void
  came(text: unknown): void
  /** Requests of the application: all, and those that are not answered yet. */
  readonly requests: { readonly asked: number; readonly waiting: number }
  readonly signals: { readonly out: number; readonly in: number }
  /** How many members each topic has, as far as it was asked for. */
  readonly members: ReadonlyMap<string, number>
}

/** Requests that are waited for, and topics whose members are counted: no more than a page can mean to have. */
const MOST = 1_000

interface Frame {
  readonly type?: unknown
  readonly id?: string
  readonly method?: string
  readonly topic?: string
  readonly data?: unknown
}

/** Only these are read: a busy topic's messages cost no more than a look at where they begin. */
const READ = /^\{"type":"(request|ack|nack|signal|message","topic":"livesocket\.)/

export function createTraffic(): Traffic {
  const waiting = new Set<string>()
  /** Questions for the members of a topic. */
  const lists = new Map<string, string>()
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

  function asked({ id = '', method = '', data }: Frame) {
    if (method === PRESENCE) lists.set(id, (data as { topic: string }).topic)
    // Asked again on another leg it is the same request.
    if (method.startsWith(OWN_METHOD) || waiting.has(id) || waiting.size >= MOST) return
    waiting.add(id)
    requests.asked++
  }

  function answered({ id = '', type, data }: Frame) {
    waiting.delete(id)
    const topic = lists.get(id)
    lists.delete(id)
    if (topic !== undefined && type === 'ack') change(topic, { set: (data as MembersAnswer).rows })
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

  return {
    outgoing(text) {
      const frame = read(text)
      if (frame?.type === 'request') asked(frame)
      if (frame?.type === 'signal') signals.out++
    },
    came(text) {
      try {
        heard(read(text))
      } catch {
        // No frame of the contract: the live socket tells of it, and whoever looks on stops nothing.
      }
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
