import { entryOf } from '../log/topic-history.js'
import type { Json, LogEntry } from '../log/topic-log.js'

/** Data and `about` as one text: JSON text contains no line break. */
export function entryText(data: Json, about: Json | undefined): string {
  return about === undefined ? data : `${data}\n${about}`
}

export function entryOfText(offset: number, text: string): LogEntry {
  const at = text.indexOf('\n')
  return at < 0 ? { offset, data: text } : entryOf(offset, text.slice(0, at), text.slice(at + 1))
}
