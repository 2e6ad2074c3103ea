import { MAX_TEXT } from './fields.js'
import type { MessageFrame, Rejected, ServerFrame } from './frames.js'
import { decodeServerFrame } from './server-frames.js'

const DATA = ',"data":'

/**
 * Reads the frames of one leg. Consecutive messages of a topic differ only in offset and data, and servers write the
 * data last. So if a text begins like the previous one, only these two are parsed. Any other text is parsed as a whole.
 */
export class FrameReader {
  #topic = ''
  /**
   * The text with which the next message of the topic begins, up to its offset. Empty until two messages of the topic
   * came in a row; null if this server writes fields after the data.
   */
  #start: string | null = ''
  /**
   * The same text with its last character increased by one. Every text that starts with `#start` sorts between the two,
   * and comparing copies nothing.
   */
  #end = ''

  /** Same results as `decodeServerFrame`. */
  read(text: string): ServerFrame | Rejected | null {
    const start = this.#start
    if (start && start <= text && text < this.#end && text.length <= MAX_TEXT) {
      const frame = this.#next(text, start.length)
      if (frame) return frame
    }
    const frame = decodeServerFrame(text)
    if (this.#start !== null && frame && 'type' in frame && frame.type === 'message') this.#expect(frame.topic)
    return frame
  }

  #next(text: string, from: number): MessageFrame | null {
    let at = from
    let offset = 0
    for (let digit; (digit = text.charCodeAt(at) - 48) >= 0 && digit <= 9; at++) offset = offset * 10 + digit
    // A JSON number does not begin with 0. Copying and comparing a short piece of text is faster than looking at its
    // characters.
    const isPlain =
      text[from]! > '0' &&
      Number.isSafeInteger(offset) &&
      text.slice(at, at + DATA.length) === DATA &&
      text.endsWith('}')
    if (!isPlain) return null
    try {
      const data: unknown = JSON.parse(text.slice(at + DATA.length, -1))
      return {
        type: 'message',
        topic: this.#topic,
        offset,
        prev: offset - 1,
        data,
        hasData: true,
        id: undefined,
        by: undefined,
      }
    } catch {
      // A throw costs more than the fast path saves, so it is disabled for this leg.
      this.#start = null
      return null
    }
  }

  #expect(topic: string) {
    if (topic !== this.#topic) this.#start = ''
    else if (!this.#start) {
      const start = `{"type":"message","topic":${JSON.stringify(topic)},"offset"`
      this.#start = `${start}:`
      this.#end = `${start};`
    }
    this.#topic = topic
  }
}
