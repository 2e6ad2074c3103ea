import type { MessageFrame, Position } from '../protocol/frames.js'

/** A topic of a foreign server. */
export interface ForeignTopic {
  readonly name: string
  /**
   * By position: where the topic is. Otherwise our own offset of the last delivered message, in an epoch of our own.
   * The object changes with each message: copy it to keep it.
   */
  position: { -readonly [Part in keyof Position]: Position[Part] } | null
  /** A leg before the active one was asked for the topic too. */
  carried: boolean
  /** Monotonic ms. Until then the leg that was asked for the topic first may not have begun with it. */
  settled: number
  /** The leg that brought the topic's first message since no leg served. */
  begunBy: number | null
  /** Sequences in which the active leg has taken over from the old one. */
  readonly joined: Set<string>
  /** The topic has had messages without an identity. */
  nameless: boolean
}

/** @param position where the subscription starts, if the server numbers its messages. */
export function createForeignTopic(name: string, position: ForeignTopic['position']): ForeignTopic {
  return { name, position, carried: false, settled: 0, begunBy: null, joined: new Set(), nameless: false }
}

/** The offset before what the frame brings. A head brings nothing, so it is the head's own offset. */
export function lastBefore({ head, offset, prev }: MessageFrame): number {
  return head ? offset : prev
}

/** Whether, by its number, the message waits for no other: it is the next one, or a duplicate. */
export function inSequence(at: Position, frame: MessageFrame, epoch: string): boolean {
  return at.epoch === (frame.epoch ?? epoch) && lastBefore(frame) <= at.offset
}

/** The topic's name is part of a message's identity, because servers number their topics separately. */
export function nameOf(topic: ForeignTopic, frame: MessageFrame): string | null {
  return frame.identity == null ? null : `${topic.name} ${streamOf(frame)} ${frame.identity}`
}

export function streamOf({ stream }: MessageFrame): string {
  return stream ?? ''
}
