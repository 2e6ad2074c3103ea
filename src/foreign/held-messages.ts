import type { MessageFrame, Position } from '../protocol/frames.js'
import { estimateBytes } from '../topics/holding.js'

/** A topic of a foreign server. */
export interface ForeignTopic {
  readonly name: string
  /**
   * By position: where the topic is. Else the number of what was delivered, in an epoch of our own. It changes with each
   * message: who is to keep it takes a copy.
   */
  position: { -readonly [Part in keyof Position]: Position[Part] } | null
  /** A leg before the active one was asked for it, too. */
  carried: boolean
  /** Up to then the leg that was asked for it first may not have begun with it, ms. */
  settled: number
  /** The leg that brought the first of it, since there was none. */
  begunBy: number | null
  /** Sequences that the active leg goes on with where the old one was. */
  readonly joined: Set<string>
  /** It has had messages that nothing tells from others. */
  nameless: boolean
}

export interface HeldMessage {
  readonly topic: ForeignTopic
  readonly leg: number
  readonly frame: MessageFrame
  readonly bytes: number
  /** When it came, ms. */
  readonly at: number
  /** What makes it the same on another leg. */
  readonly name: string | null
}

/** What waits until the old leg has no say any more, in the order in which it came. */
export class HeldMessages {
  all: HeldMessage[] = []
  bytes = 0

  add(topic: ForeignTopic, leg: number, frame: MessageFrame, at: number) {
    const bytes = estimateBytes(frame.data)
    this.all.push({ topic, leg, frame, bytes, at, name: nameOf(topic, frame) })
    this.bytes += bytes
  }

  remove(one: HeldMessage) {
    this.all.splice(this.all.indexOf(one), 1)
    this.bytes -= one.bytes
  }

  take(chosen: (one: HeldMessage) => boolean): HeldMessage[] {
    const taken: HeldMessage[] = []
    this.all = this.all.filter((one) => !chosen(one) || !taken.push(one))
    for (const { bytes } of taken) this.bytes -= bytes
    return taken
  }
}

/** The offset that comes before whatever the frame brings: a head brings nothing itself. */
export function lastBefore({ head, offset, prev }: MessageFrame): number {
  return head ? offset : prev
}

/** By its number it need not wait for any other: it is the next one, or a duplicate. */
export function inSequence(at: Position, frame: MessageFrame, epoch: string): boolean {
  return at.epoch === (frame.epoch ?? epoch) && lastBefore(frame) <= at.offset
}

/** A topic's name is part of what makes a message the same: servers number their topics apart. */
export function nameOf(topic: ForeignTopic, frame: MessageFrame): string | null {
  return frame.identity == null ? null : `${topic.name} ${streamOf(frame)} ${frame.identity}`
}

export function streamOf({ stream }: MessageFrame): string {
  return stream ?? ''
}

/**
 * Topic by topic; by offset, and what is of the present numbering before what is of another one.
 *
 * @param epoch of what names none.
 */
export function sortByPosition(held: HeldMessage[], epoch: string) {
  const places = new Map([...new Set(held.map(({ topic }) => topic))].map((topic, place) => [topic, place]))
  const other = ({ topic, frame }: HeldMessage) =>
    Number(topic.position !== null && topic.position.epoch !== (frame.epoch ?? epoch))
  held.sort(
    (a, b) => places.get(a.topic)! - places.get(b.topic)! || other(a) - other(b) || a.frame.offset - b.frame.offset,
  )
}
