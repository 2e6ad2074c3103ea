import type { Clock } from '../../base/clock.js'
import { quoted } from '../../base/invalid.js'
import { MOST_WAITING } from '../limits.js'
import type { PageLimit, TopicLog } from '../log/topic-log.js'
import { SharedEntry } from './shared-entry.js'

/** Undefined: nothing could be read, and the reader has to look again. */
export type Page = readonly SharedEntry[] | undefined

/** Reads entries that are older than those in memory, a page at a time. */
export interface TopicPages {
  /** The entries above `after` in the present epoch. Legs that resume at the same position share one read. */
  read(after: number, then: (page: Page) => void): void
  /** Reads under way belong to an epoch that has ended. */
  forget(): void
  close(): void
}

export interface TopicPagesDeps {
  readonly log: TopicLog
  readonly clock: Clock
  /** The present epoch. */
  epoch(): string
  /** Asks the log for the topic's head: its epoch is another one than was known. */
  refresh(): Promise<void>
  onError(error: unknown, doing: string): void
}

/** As much as a leg has room for. */
const PAGE: PageLimit = { maxMessages: MOST_WAITING.pieces, maxBytes: MOST_WAITING.bytes }
/** Milliseconds to wait after a failed read of the log. */
const RETRY = 500

export function createTopicPages(topic: string, { log, clock, epoch, refresh, onError }: TopicPagesDeps): TopicPages {
  /** Reads under way, by the offset that they start after. */
  const pages = new Map<number, Promise<Page>>()
  const timers = new Set<() => void>()

  async function fetch(after: number): Promise<Page> {
    const asked = epoch()
    try {
      const page = await log.read(topic, after, PAGE)
      if (asked !== epoch()) return undefined
      if (page.epoch === asked) return page.entries.map((entry) => new SharedEntry(topic, entry))
      await refresh()
      if (asked !== epoch()) return undefined
    } catch (error) {
      onError(error, `reading the topic ${quoted(topic)}`)
    }
    await later()
    return undefined
  }

  function later(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = clock.setTimeout(() => {
        timers.delete(cancel)
        resolve()
      }, RETRY)
      timers.add(cancel)
    })
  }

  return {
    read(after, then) {
      let page = pages.get(after)
      if (!page) {
        page = fetch(after).finally(() => void (pages.get(after) === page && pages.delete(after)))
        pages.set(after, page)
      }
      void page.then(then)
    },
    forget: () => pages.clear(),
    close() {
      for (const cancel of timers) cancel()
    },
  }
}
