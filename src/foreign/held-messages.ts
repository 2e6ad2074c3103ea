import type { MessageFrame } from '../protocol/frames.js'
import { estimateBytes } from '../topics/holding.js'
import { nameOf, type ForeignTopic } from './foreign-topic.js'

export interface HeldMessage {
  readonly topic: ForeignTopic
  readonly leg: number
  readonly frame: MessageFrame
  readonly bytes: number
  /** When it arrived, monotonic ms. */
  readonly at: number
  /** Its identity across legs. Null: it has none. */
  readonly name: string | null
}

/** Messages that wait until the old leg is not authoritative any more, in the order of their arrival. */
export class HeldMessages {
  all: HeldMessage[] = []
  bytes = 0

  add(topic: ForeignTopic, leg: number, frame: MessageFrame, at: number) {
    const bytes = estimateBytes(frame.data)
    this.all.push({ topic, leg, frame, bytes, at, name: nameOf(topic, frame) })
    this.bytes += bytes
  }

  take(chosen: (one: HeldMessage) => boolean): HeldMessage[] {
    const taken: HeldMessage[] = []
    this.all = this.all.filter((one) => !chosen(one) || !taken.push(one))
    for (const { bytes } of taken) this.bytes -= bytes
    return taken
  }
}

/**
 * Sorts topic by topic; within a topic by offset, with messages of the present epoch before those of another.
 *
 * @param epoch the epoch of messages that name none.
 */
export function sortByPosition(held: HeldMessage[], epoch: string) {
  const places = new Map([...new Set(held.map(({ topic }) => topic))].map((topic, place) => [topic, place]))
  const other = ({ topic, frame }: HeldMessage) =>
    Number(topic.position !== null && topic.position.epoch !== (frame.epoch ?? epoch))
  held.sort(
    (a, b) => places.get(a.topic)! - places.get(b.topic)! || other(a) - other(b) || a.frame.offset - b.frame.offset,
  )
}
