import type { Clock } from '../../base/clock.js'
import { LiveSocketError } from '../../base/errors.js'
import { MAX_TOPIC } from '../../protocol/fields.js'
import { serialise } from '../../protocol/json.js'
import { changeMembers, memberList, type Member, type MembersAnswer } from '../../protocol/members.js'
import { ENTER, LEAVE, PRESENCE } from '../../protocol/own-methods.js'
import { presenceTopic } from '../../protocol/own-topics.js'
import { invalid } from '../../base/invalid.js'
import { readUser } from '../identity/identity.js'
import type { Permission } from '../identity/permission.js'
import type { ServerLimits } from '../limits.js'
import type { TopicLog } from '../log/topic-log.js'
import type { OnRequest, Request } from '../request.js'
import { RequestRefused } from '../request-refusal.js'
import { createAnnouncer } from './announcer.js'
import { Departures } from './departures.js'
import { memberIds, type Who } from './member-ids.js'
import { createMemberLists, pageOf } from './member-lists.js'
import { shownUser, type PresenceOption } from './shown-user.js'

/** Presence: answers clients' requests about it, and removes members that disappear without leaving. */
export interface Presence<User> {
  readonly methods: OnRequest<User>
  members(topic: string): Promise<readonly Member[]>
  /** The session has no leg any longer, and its server is dead: it has had its time to come back. */
  left(session: string): void
  /** The session may no longer subscribe to the topic. */
  lost(topic: string, who: Who): void
  close(): void
}

export interface PresenceDeps<User> {
  readonly log: TopicLog
  readonly presence: PresenceOption<User>
  readonly permission: Permission<User>
  readonly limits: ServerLimits
  readonly clock: Clock
  onError(error: unknown, doing: string): void
}

export function createPresence<User>(deps: PresenceDeps<User>): Presence<User> {
  const { log, permission, limits, clock, onError } = deps
  const { attendance } = log
  if (!attendance)
    throw invalid('presence needs a log with `attendance`, such as memoryLog() and redisLog(): the given one has none')
  const lists = createMemberLists(log, attendance, clock)
  const announcer = createAnnouncer({ attendance, clock, maxTopics: limits.maxPresences })
  const departures = new Departures({ attendance, announcer, clock, grace: limits.presenceGrace, onError })
  const shows = { ...deps, patience: limits.requestTimeout, maxData: limits.maxPresenceData }

  async function mayRead(topic: string, { user, session }: Request<User>) {
    const denial = await permission({ action: 'subscribe', topic, user, session })
    if (denial) throw new RequestRefused(denial.code, denial.message, denial.data, denial.retryAfter)
  }

  async function tell(topic: string, session: string, announcement: Parameters<typeof announcer.announce>[2]) {
    const told = await announcer.announce(presenceTopic(topic), session, announcement).catch((error: unknown) => {
      // The log itself reports that it is away.
      if (!(error instanceof LiveSocketError)) onError(error, 'telling who is present')
      throw new RequestRefused('busy', 'The server cannot update who is present at the moment.', undefined, 1_000)
    })
    if (!told)
      throw new RequestRefused(
        'limit',
        `A session may be present in at most ${limits.maxPresences} topics (limits.maxPresences).`,
      )
  }

  /** The requests to enter that are under way, and whether the right to it was lost meanwhile. */
  const entering = new Set<{ readonly topic: string; readonly session: string; lost: boolean }>()

  function lost(topic: string, { session, subject }: Who) {
    for (const one of entering) if (one.topic === topic && one.session === session) one.lost = true
    void announcer.announce(presenceTopic(topic), session, { type: 'leave', subject }).catch(departures.quietly)
  }

  const methods: OnRequest<User> = {
    async [PRESENCE](ask): Promise<MembersAnswer> {
      const { topic, after } = asked(ask.data)
      if (after !== undefined && typeof after !== 'string') throw wrong('after is the id of a connection')
      await mayRead(topic, ask)
      const list = await lists.get(presenceTopic(topic))
      const { epoch, offset, salt } = list
      const you = memberIds({ session: ask.session, subject: readUser(ask.user).subject }, salt)
      return { epoch, offset, you, ...pageOf(list, after) }
    },
    async [ENTER](ask) {
      const { topic, n, data = null } = asked(ask.data)
      const text = serialise(data)
      const size = 'json' in text ? text.json.length : Infinity
      if (!('json' in text) || size > limits.maxPresenceData)
        throw new RequestRefused(
          'too-large',
          `What a member says about itself may have at most ${limits.maxPresenceData} characters as JSON (limits.maxPresenceData), not ${size}.`,
        )
      const { session } = ask
      const { subject } = readUser(ask.user)
      const asking = { topic, session, lost: false }
      entering.add(asking)
      const user = await (async () => {
        await mayRead(topic, ask)
        return shownUser(shows, topic, ask.user)
      })()
        .catch((error: unknown) => {
          // The session may no longer be present there either.
          if (error instanceof RequestRefused && error.reason === 'forbidden') lost(topic, { session, subject })
          throw error
        })
        .finally(() => entering.delete(asking))
      // The request was checked with the rights that it had before.
      if (asking.lost) throw new RequestRefused('busy', 'Whether this is allowed has just changed.', undefined, 1_000)
      await tell(topic, ask.session, {
        type: 'set',
        subject,
        n: counted(n),
        data: text.json,
        user,
        signal: ask.signal,
      })
    },
    async [LEAVE](ask) {
      const { topic, n } = asked(ask.data)
      const { subject } = readUser(ask.user)
      await tell(topic, ask.session, { type: 'leave', subject, n: counted(n), signal: ask.signal })
    },
  }

  return {
    methods,
    async members(topic) {
      const members = new Map<string, Member>()
      const { rows } = await lists.get(presenceTopic(checkedTopic(topic)))
      changeMembers(members, { set: rows.map(({ row }) => row) })
      return memberList(members)
    },
    left: (session) => departures.left(session),
    lost,
    close() {
      departures.close()
      announcer.close()
      lists.close()
    },
  }
}

/** The methods of a server without `presence`. */
export function noPresence<User>(): OnRequest<User> {
  const refuse = () => {
    throw new RequestRefused(
      'unknown-method',
      'This server has no presence: see the option presence of createLiveServer.',
    )
  }
  return { [PRESENCE]: refuse, [ENTER]: refuse, [LEAVE]: refuse }
}

const wrong = (what: string) => new RequestRefused('invalid', `presence: ${what}.`)

function asked(data: unknown) {
  const { topic, ...rest } = (data ?? {}) as Record<string, unknown>
  if (typeof topic !== 'string' || topic === '' || topic.length > LONGEST) throw wrong(TOPIC)
  return { topic, ...rest } as { topic: string; n?: unknown; data?: unknown; after?: string }
}

const LONGEST = MAX_TOPIC - presenceTopic('').length
const TOPIC = `a topic that has members is a string of 1 to ${LONGEST} characters`

function checkedTopic(topic: unknown): string {
  if (typeof topic === 'string' && topic !== '' && topic.length <= LONGEST) return topic
  throw invalid(`members(topic): ${TOPIC}`)
}

function counted(n: unknown): number {
  if (Number.isSafeInteger(n)) return n as number
  throw wrong('n must be a whole number')
}
