import type { Clock } from '../base/clock.js'
import type { EnterAsk, MemberChanges, MemberRow, MembersAnswer, MembersAsk } from '../protocol/members.js'
import { ENTER, LEAVE, PRESENCE } from '../protocol/own-methods.js'
import { presenceOf, presenceTopic } from '../protocol/own-topics.js'
import type { ClusterSettings, Decision } from './cluster-settings.js'
import type { SimulatedLog } from './simulated-log.js'

/**
 * Who is in which topic, over all simulated servers. It follows the protocol; changes are announced at once, and a list
 * has one page.
 */
export interface SimulatedPresence {
  /** Null: the method is not one of presence. */
  answer(method: string, data: unknown, who: SessionUser): Decision | null
  /** The session has one more leg. */
  joined(session: string): void
  /** The session has one leg less. After its last one it has `grace` milliseconds to come back. */
  left(session: string, grace: number): void
}

export interface SessionUser {
  readonly session: string
  /** The owner of its token. A session without one is a member of its own. */
  readonly subject: string | undefined
}

export interface SimulatedPresenceDeps {
  readonly clock: Clock
  readonly log: SimulatedLog
  readonly settings: Pick<ClusterSettings, 'presence' | 'authorize'>
}

const refuse = (code: string, message: string): Decision => ({ refuse: { code, message } })

export function createSimulatedPresence({ clock, log, settings }: SimulatedPresenceDeps): SimulatedPresence {
  const lists = new Map<string, Map<string, MemberRow>>()
  const legs = new Map<string, number>()
  const leaving = new Map<string, () => void>()
  const names = new Map<string, string>()

  // In a new epoch of the topic nobody is listed, and clients enter again.
  log.listen((topic, change) => {
    const about = change === 'epoch' && presenceOf(topic)
    if (about) lists.delete(about)
  })

  function nameOf(kind: 'member' | 'connection', of: string): string {
    const key = `${kind} ${of}`
    const name = names.get(key) ?? `${kind}-${names.size + 1}`
    names.set(key, name)
    return name
  }
  function idsOf({ session, subject }: SessionUser) {
    const connection = nameOf('connection', session)
    return [subject === undefined ? connection : nameOf('member', subject), connection] as const
  }
  const tell = (topic: string, changes: MemberChanges) => void log.append(presenceTopic(topic), changes)

  function take(topic: string, session: string) {
    const row = lists.get(topic)?.get(session)
    if (!row) return
    lists.get(topic)!.delete(session)
    tell(topic, { gone: [[row[0], row[1]]] })
  }

  function enter({ topic, n, data = null }: EnterAsk, who: SessionUser): Decision {
    const shown = settings.presence!(topic, who.subject)
    if (!shown) {
      take(topic, who.session)
      return refuse('forbidden', 'Being present in this topic is not allowed.')
    }
    const user = shown === true ? (who.subject ?? null) : shown.show
    const row: MemberRow = [...idsOf(who), clock.now(), n, data, user]
    const list = lists.get(topic) ?? new Map<string, MemberRow>()
    // The two legs of a session may bring its requests in any order.
    if ((list.get(who.session)?.[3] ?? -1) > n) return {}
    lists.set(topic, list.set(who.session, row))
    tell(topic, { set: [row] })
    return {}
  }

  function list({ topic }: MembersAsk, who: SessionUser): MembersAnswer {
    const { epoch, offset } = log.answer(presenceTopic(topic), null)
    const rows = [...(lists.get(topic)?.values() ?? [])].sort((a, b) => (a[1] < b[1] ? -1 : 1))
    return { epoch, offset, you: idsOf(who), rows }
  }

  return {
    answer(method, data, who) {
      if (!settings.presence || ![PRESENCE, ENTER, LEAVE].includes(method)) return null
      const ask = data as EnterAsk
      if (method === LEAVE) take(ask.topic, who.session)
      else if (settings.authorize?.(ask.topic) === false)
        return refuse('forbidden', 'This topic is not for this client.')
      if (method === ENTER) return enter(ask, who)
      return method === PRESENCE ? { data: list(ask, who) } : {}
    },
    joined(session) {
      legs.set(session, (legs.get(session) ?? 0) + 1)
      leaving.get(session)?.()
      leaving.delete(session)
    },
    left(session, grace) {
      const rest = legs.get(session)! - 1
      if (rest > 0) return void legs.set(session, rest)
      legs.delete(session)
      if (![...lists.values()].some((list) => list.has(session))) return
      leaving.set(
        session,
        clock.setTimeout(() => {
          leaving.delete(session)
          for (const topic of [...lists.keys()]) take(topic, session)
        }, grace),
      )
    },
  }
}
