import { entryOf } from '../log/topic-history.js'
import type { Json, LogEntry } from '../log/topic-log.js'

/** Data, and what is to be known about it, as one text: no JSON text has a line's end in it. */
export function entryText(data: Json, about: Json | undefined): string {
  return about === undefined ? data : `${data}\n${about}`
}

export function entryOfText(offset: number, text: string): LogEntry {
  const at = text.indexOf('\n')
  return at < 0 ? { offset, data: text } : entryOf(offset, text.slice(0, at), text.slice(at + 1))
}
