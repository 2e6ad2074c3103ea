import { aboutOf, type About } from '../log/about.js'
import type { Json, LogEntry } from '../log/topic-log.js'
import type { Encoded } from './encoded.js'
import { messageFrame } from './message-frame.js'

/**
 * An entry on its way to many legs. It is encoded once for all that see the same frame, and parsed once for all
 * filters.
 */
export class SharedEntry implements LogEntry {
  readonly offset: number
  readonly data: Json
  readonly about: Json | undefined
  private readonly topic: string
  private known: About | null = null
  private prev = -1
  private encoded: Encoded | null = null
  private parsed: { readonly value: unknown } | null = null

  constructor(topic: string, { offset, data, about }: LogEntry) {
    this.topic = topic
    this.offset = offset
    this.data = data
    this.about = about
  }

  /** @param session of the leg: the session that published the entry is told the publish's id. */
  frame(prev: number, session?: string): Encoded {
    const { by, id, session: publisher } = (this.known ??= aboutOf(this.about))
    const told = by === undefined ? undefined : { by }
    if (id !== undefined && publisher === session)
      return messageFrame(this.topic, this.offset, prev, this.data, { id, ...told })
    if (this.encoded === null || this.prev !== prev) {
      this.prev = prev
      this.encoded = messageFrame(this.topic, this.offset, prev, this.data, told)
    }
    return this.encoded
  }

  value(): unknown {
    this.parsed ??= { value: JSON.parse(this.data) }
    return this.parsed.value
  }
}
