import type { MessageFrame, Position } from '../protocol/frames.js'

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

/** @param position where it is wanted from, by position. */
export function createForeignTopic(name: string, position: ForeignTopic['position']): ForeignTopic {
  return { name, position, carried: false, settled: 0, begunBy: null, joined: new Set(), nameless: false }
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
