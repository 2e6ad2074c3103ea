import type { LogEntry } from '../log/topic-log.js'
import { entryOfText } from './entry-text.js'
import { decodeName } from './keys.js'

/** The content of an entry of the feed. */
export type FeedEntry =
  | {
      readonly kind: 'entry'
      readonly id: string
      readonly seq: number
      readonly stamp: string
      readonly epoch: string
      readonly topic: string
      readonly entry: LogEntry
    }
  | { readonly kind: 'epoch'; readonly id: string }

/** A topic's epoch is the epoch of the whole log, a dot, and a number. */
export function rootOf(epoch: string): string {
  return epoch.slice(0, epoch.lastIndexOf('.'))
}

/**
 * An entry has one field. Its name consists of the count of appends, the offset, the epoch, the stamp and the topic;
 * its value is the data. Or the name is `e`, and the value is an epoch that begins. Null if this library did not write
 * it.
 */
export function parseFeedEntry(raw: unknown): FeedEntry | null {
  if (!Array.isArray(raw) || typeof raw[0] !== 'string' || !Array.isArray(raw[1]) || raw[1].length !== 2) return null
  const [id, [name, value]] = raw as [string, [string, string]]
  if (name === 'e') return { kind: 'epoch', id }
  const [, n, o, epoch, stamp, t] = /^(\d+):(\d+):([^:]+):([^:]+):(.*)$/s.exec(name) ?? []
  const topic = t === undefined ? null : decodeName(t)
  const [seq, offset] = [Number(n), Number(o)]
  if (topic === null || !Number.isSafeInteger(seq) || !Number.isSafeInteger(offset)) return null
  return { kind: 'entry', id, seq, stamp: stamp!, epoch: epoch!, topic, entry: entryOfText(offset, value) }
}
