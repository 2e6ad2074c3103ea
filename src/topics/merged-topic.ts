import type { TopicRequest } from '../protocol/frames.js'
import type { LegView } from './leg-view.js'
import type { TopicSequence } from './topic-sequence.js'

/** A topic of a merge: its one sequence, and what the legs say of it. */
export interface MergedTopic {
  readonly name: string
  readonly sequence: TopicSequence
  /** Which of the application's subscriptions this is: an answer to a former one says nothing about it. */
  generation: number
  /** So many of the newest messages are wanted from before, and the active leg has not said yet where they begin. */
  last: number
  /** What the active leg and the old leg say of it. */
  active: LegView | null
  old: LegView | null
}

export interface Asked {
  readonly generation: number
  readonly from: TopicRequest
}

/**
 * Who comes for the last ones of a topic that is served already asks from so far back: then nothing is passed over that
 * the others have still to get.
 */
export function requestOf({ last, sequence: { position } }: MergedTopic): TopicRequest {
  if (last === 0) return position
  return position ? { epoch: position.epoch, offset: Math.max(0, position.offset - last) } : { last }
}
