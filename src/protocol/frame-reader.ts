import { MAX_TEXT } from './fields.js'
import type { MessageFrame, Rejected, ServerFrame } from './frames.js'
import { decodeServerFrame } from './server-frames.js'

const DATA = ',"data":'

/**
 * Reads the frames of one leg. Messages that follow each other in a topic differ in offset and data alone, and servers
 * write the data last: where a text begins as its predecessor did, only these two are parsed. What is not exactly so is
 * parsed as a whole.
 */
export class FrameReader {
  #topic = ''
  /**
   * What the next message of the topic begins with, up to its offset. Empty before two of them came in a row; null: this
   * server writes something behind the data.
   */
  #start: string | null = ''
  /** The same with the next character at its end: between the two lies what begins so, and to compare copies nothing. */
  #end = ''

  /** As `decodeServerFrame`. */
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
    // What JSON takes for a number does not begin with 0. A short piece of a text is copied and compared in less time
    // than it takes to look at its characters.
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
      // To throw costs more than the whole is worth.
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
