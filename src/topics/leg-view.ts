import { explain } from '../base/explanation.js'
import type { Position, TopicAnswer, TopicRequest } from '../protocol/frames.js'

/** What a leg said that it serves of a topic. */
export interface Named {
  readonly epoch: string
  readonly head: number
  readonly after: number
  /** What this answered. */
  readonly from: TopicRequest
  /** The newest offset that this leg brought since: it brings nothing up to here a second time. */
  tail: number
}

/** What one leg was asked of a topic, and what it said. A leg that was asked anew has named nothing yet. */
export interface LegView {
  /** For which of the application's subscriptions it was asked. */
  readonly generation: number
  /** The newest `subscribe` while it is unanswered, or the `hello`, which has no id. */
  asked: { readonly id: string | null; readonly from: TopicRequest } | null
  named: Named | null
  refused: boolean
}

/**
 * Whether everything after the position still comes on this leg. The tail is part of it: a leg that already brought
 * something past the position, which then was not in sequence, has shown that it does not bring what is between.
 * Coverage returns by itself when the position gets there.
 */
export function covers(named: Named | null | undefined, position: Position): boolean {
  return !!named && named.epoch === position.epoch && Math.max(named.after, named.tail) <= position.offset
}

/** Takes down what the leg named; says why not where it contradicts itself. */
export function takeAnswer(view: LegView, { epoch, offset: head, after }: TopicAnswer): string | null {
  const from = view.asked?.from ?? null
  // A server that lags behind the one that served before may answer a position with itself, though its own head is
  // below.
  if (after > Math.max(head, from?.offset ?? 0))
    return explain`The server named ${after} as what comes before its replay, which is past the head ${head}.`
  view.asked = null
  view.refused = false
  view.named = { epoch, head, after, from, tail: 0 }
  return null
}
