import { MAX_TEXT } from './fields.js'
import type { MessageFrame, Rejected, ServerFrame } from './frames.js'
import { decodeServerFrame } from './server-frames.js'

const DATA = ',"data":'
/** Numbers of so many digits are safe integers. */
const MOST_DIGITS = 15

/**
 * Reads the frames of one leg. Messages that follow each other in a topic differ in offset and data alone, and servers
 * write the data last: where a text begins as its predecessor did, only these two are parsed. What is not exactly so is
 * parsed as a whole.
 */
export class FrameReader {
  #topic = ''
  /** What the next message of the topic begins with, up to its offset; null before two of them came in a row. */
  #start: string | null = null
  /** This server writes something behind the data. */
  #whole = false

  /** As `decodeServerFrame`. */
  read(text: string): ServerFrame | Rejected | null {
    const start = this.#start
    if (start !== null && text.length <= MAX_TEXT && text.slice(0, start.length) === start) {
      const frame = this.#next(text, start.length)
      if (frame) return frame
    }
    const frame = decodeServerFrame(text)
    if (frame && 'offset' in frame && frame.type === 'message') this.#expect(frame.topic)
    return frame
  }

  #next(text: string, from: number): MessageFrame | null {
    let at = from
    let offset = 0
    for (let digit; (digit = text.charCodeAt(at) - 48) >= 0 && digit <= 9; at++) offset = offset * 10 + digit
    // A number that JSON would not take begins with 0.
    const isPlain = offset > 0 && text[from] !== '0' && at - from <= MOST_DIGITS
    if (!isPlain || !text.startsWith(DATA, at) || !text.endsWith('}')) return null
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
      this.#whole = true
      this.#start = null
      return null
    }
  }

  #expect(topic: string) {
    if (topic !== this.#topic) this.#start = null
    else if (!this.#whole) this.#start ??= `{"type":"message","topic":${JSON.stringify(topic)},"offset":`
    this.#topic = topic
  }
}
