import { historyAsk, MOST_MESSAGES } from '../../protocol/history-ask.js'
import type { HistoryAnswer } from '../../protocol/own-methods.js'
import { LONGEST_DATA } from '../bounds.js'
import type { Permission } from '../identity/permission.js'
import { aboutOf } from '../log/about.js'
import type { LogEntry, TopicLog } from '../log/topic-log.js'
import type { Request } from '../request.js'
import { RequestRefused } from '../request-refusal.js'

export interface HistoryDeps<User> {
  readonly log: TopicLog
  readonly permission: Permission<User>
  /** Whether that user may see the message. */
  sees(ask: {
    readonly topic: string
    readonly data: unknown
    readonly offset: number
    readonly user: User
    readonly session: string
  }): boolean
}

/** Characters of one answer. */
const MOST_BYTES = LONGEST_DATA / 16

/** Answers with messages before a position, for users who may subscribe: the newest that are kept, oldest first. */
export function historyMethod<User>({ log, permission, sees }: HistoryDeps<User>) {
  return async ({ data, user, session, signal }: Request<User>): Promise<HistoryAnswer> => {
    const ask = historyAsk(data)
    if (typeof ask === 'string') throw new RequestRefused('invalid', `history: ${ask}.`)
    const { topic, limit, before } = ask
    const denial = await permission({ action: 'subscribe', topic, user, session })
    if (denial) throw new RequestRefused(denial.code, denial.message, denial.data, denial.retryAfter)
    const head = await log.head(topic)
    if (before && before.epoch !== head.epoch)
      throw new RequestRefused('epoch', 'The numbering of this topic has started over: `before` is of another one.')
    const found: HistoryAnswer['messages'][number][] = []
    let size = 0
    const take = ({ offset, data: text, about }: LogEntry) => {
      const value: unknown = JSON.parse(text)
      if (!sees({ topic, data: value, offset, user, session })) return
      const { session: publisher, id, by } = aboutOf(about)
      size += text.length + (about?.length ?? 0)
      found.push({
        offset,
        data: value,
        ...(id !== undefined && publisher === session ? { id } : undefined),
        ...(by === undefined ? undefined : { by }),
      })
    }
    // It reads backwards, a page at a time, because messages that this user may not see make room for earlier ones. The
    // pages grow, so that for a user who sees nothing of a topic the log is not asked for each single message.
    let end = Math.min(before?.offset ?? Infinity, head.offset + 1)
    let page = limit
    while (end > head.oldest && found.length < limit && size < MOST_BYTES && !signal.aborted) {
      const from = Math.max(head.oldest - 1, end - 1 - page)
      page = Math.min(MOST_MESSAGES, page * 2)
      const entries = await entriesBetween(log, topic, from, end, head.epoch)
      for (const entry of entries.reverse()) if (found.length < limit && size < MOST_BYTES) take(entry)
      end = from + 1
    }
    return { epoch: head.epoch, messages: found.reverse() }
  }
}

/** Entries above `after` and below `end`. Entries that were trimmed meanwhile are missing. */
async function entriesBetween(log: TopicLog, topic: string, after: number, end: number, epoch: string) {
  const entries: LogEntry[] = []
  for (let at = after; at < end - 1; ) {
    const page = await log.read(topic, at, { maxMessages: end - 1 - at, maxBytes: MOST_BYTES })
    if (page.epoch !== epoch)
      throw new RequestRefused('epoch', 'The numbering of this topic has just started over.', undefined, 1_000)
    const within = page.entries.filter(({ offset }) => offset < end)
    if (within.length === 0) break
    entries.push(...within)
    at = within.at(-1)!.offset
  }
  return entries
}
