import type { Json, LogEntry } from '../log/topic-log.js'
import type { Encoded } from './encoded.js'
import { messageFrame } from './message-frame.js'

/** An entry on its way to many legs: encoded once for all that see the same frame, and parsed once for all filters. */
export class SharedEntry implements LogEntry {
  readonly offset: number
  readonly data: Json
  private readonly topic: string
  private prev = -1
  private encoded: Encoded | null = null
  private parsed: { readonly value: unknown } | null = null

  constructor(topic: string, { offset, data }: LogEntry) {
    this.topic = topic
    this.offset = offset
    this.data = data
  }

  frame(prev: number): Encoded {
    if (this.encoded === null || this.prev !== prev) {
      this.prev = prev
      this.encoded = messageFrame(this.topic, this.offset, prev, this.data)
    }
    return this.encoded
  }

  value(): unknown {
    this.parsed ??= { value: JSON.parse(this.data) }
    return this.parsed.value
  }
}
