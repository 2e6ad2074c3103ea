import type { Clock } from '../../base/clock.js'
import type { MemberRow, MembersAnswer } from '../../protocol/members.js'
import type { Attendance } from '../log/attendance.js'
import type { TopicLog } from '../log/topic-log.js'

/** The members of a topic as of a position. */
export interface MemberList {
  readonly epoch: string
  readonly offset: number
  readonly salt: string
  /** In the order of their connections' ids, each with its size in characters. */
  readonly rows: readonly { readonly row: MemberRow; readonly size: number }[]
}

export interface MemberLists {
  /** The list, at least as new as this call. */
  get(topic: string): Promise<MemberList>
  close(): void
}

/** The most characters of one page. */
const PAGE = 256 * 1024
/** Milliseconds that a list is kept for others who ask, as long as nothing has changed. */
const KEPT = 5_000

/** Creates the lists. A thousand clients that come at once cost one read of a list. */
export function createMemberLists(log: TopicLog, attendance: Attendance, clock: Clock): MemberLists {
  const lists = new Map<string, { list: Promise<MemberList>; cancel: () => void }>()

  async function read(topic: string): Promise<MemberList> {
    const { rows, ...list } = await attendance.list(topic)
    const parsed = rows.map((text) => ({ row: JSON.parse(text) as MemberRow, size: text.length }))
    return { ...list, rows: parsed.sort((a, b) => (a.row[1] < b.row[1] ? -1 : 1)) }
  }

  function fresh(topic: string): Promise<MemberList> {
    lists.get(topic)?.cancel()
    const list = read(topic)
    const entry = { list, cancel: () => undefined as void }
    const forget = () => void (lists.get(topic) === entry && lists.delete(topic))
    entry.cancel = clock.setTimeout(forget, KEPT)
    lists.set(topic, entry)
    list.catch(() => {
      entry.cancel()
      forget()
    })
    return list
  }

  return {
    async get(topic) {
      const { epoch, offset } = await log.head(topic)
      const known = lists.get(topic)
      const list = await known?.list.catch(() => null)
      if (list && list.epoch === epoch && list.offset >= offset) return list
      const newer = lists.get(topic)
      return newer && newer !== known ? newer.list : fresh(topic)
    },
    close() {
      for (const { cancel } of lists.values()) cancel()
      lists.clear()
    },
  }
}

/** As much as fits into one answer of the rows after that connection. */
export function pageOf({ rows }: MemberList, after = ''): Pick<MembersAnswer, 'rows' | 'next'> {
  const page: MemberRow[] = []
  let size = 0
  for (const { row, size: more } of rows) {
    if (row[1] <= after) continue
    if (page.length > 0 && size + more > PAGE) return { rows: page, next: page.at(-1)![1] }
    page.push(row)
    size += more
  }
  return { rows: page }
}
