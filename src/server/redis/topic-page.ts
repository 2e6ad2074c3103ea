import { LiveSocketError } from '../../base/errors.js'
import { shown } from '../../base/invalid.js'
import type { LogEntry, LogPage, PageLimit } from '../log/topic-log.js'
import { entryOfText } from './entry-text.js'
import { encodeName, type Keys } from './keys.js'
import type { RedisConnection } from './redis-connection.js'
import type { Script } from './script.js'

export interface TopicPageDeps {
  readonly connection: RedisConnection
  readonly script: Script
  readonly keys: Keys
  onError(error: unknown, doing: string): void
}

/** Reads entries of a topic from Redis, starting with the oldest above `after`. */
export async function readTopicPage(
  { connection, script, keys, onError }: TopicPageDeps,
  topic: string,
  after: number,
  { maxMessages, maxBytes }: PageLimit,
): Promise<LogPage> {
  const [, epoch, ...flat] = await connection.run(script, (root) => ({
    keys: [keys.root, keys.topic(root, topic)],
    args: [encodeName(topic), limitText(after), limitText(maxMessages), limitText(maxBytes)],
  }))
  const entries: LogEntry[] = []
  for (let at = 0; at + 1 < flat.length; at += 2) {
    const offset = /^(\d+)-0$/.exec(String(flat[at]))?.[1]
    const data = flat[at + 1]
    if (offset !== undefined && typeof data === 'string') entries.push(entryOfText(Number(offset), data))
    else
      onError(
        new LiveSocketError('invalid', `The entry ${shown(flat[at])} is not what this library wrote; it was skipped`, {
          topic,
        }),
        'reading a topic',
      )
  }
  return { epoch: String(epoch), entries }
}

/** The limit as text for Lua; Infinity is an empty text. */
function limitText(limit: number): string {
  return Number.isFinite(limit) ? `${Math.floor(limit)}` : ''
}
