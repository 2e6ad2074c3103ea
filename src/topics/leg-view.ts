import { explain } from '../base/explanation.js'
import type { Position, TopicAnswer, TopicRequest } from '../protocol/frames.js'
import type { Named } from './topic-sequence.js'

/** What one ready leg was asked of a topic, and what it said. A leg that was asked anew has named nothing yet. */
export interface LegView {
  /** For which of the application's subscriptions it was asked. */
  readonly generation: number
  /** The newest `subscribe` while it is unanswered. */
  asked: { readonly id: string; readonly from: TopicRequest } | null
  named: Named | null
  refused: boolean
}

/** Takes down what the leg named; says why not where it contradicts itself. */
export function takeAnswer(
  view: LegView,
  { epoch, offset: head, after }: TopicAnswer,
  from: Position | null,
): string | null {
  // A server that lags behind the one that served before may answer a position with itself, though its own head is
  // below.
  if (after > Math.max(head, from?.offset ?? 0))
    return explain`The server named ${after} as what comes before its replay, which is past the head ${head}.`
  view.asked = null
  view.refused = false
  view.named = { epoch, head, after, from, tail: 0 }
  return null
}
