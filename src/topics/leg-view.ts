import { explain } from '../base/explanation.js'
import type { Position, TopicAnswer, TopicRequest } from '../protocol/frames.js'

/** What a leg said that it serves of a topic. */
export interface Named {
  readonly epoch: string
  readonly head: number
  readonly after: number
  /** The request that this answered. */
  readonly from: TopicRequest
  /** The newest offset that this leg has brought since: it brings nothing up to here again. */
  tail: number
}

/** What one leg was asked about a topic, and what it answered. A leg that was asked again has named nothing yet. */
export interface LegView {
  /** The number of the application's subscription for which it was asked. */
  readonly generation: number
  /** The newest `subscribe` while it is unanswered, or the `hello`, which has no id. */
  asked: { readonly id: string | null; readonly from: TopicRequest } | null
  named: Named | null
  refused: boolean
}

/**
 * Whether this leg will still bring everything after the position. The tail counts too: a leg that has brought
 * something past the position that was out of sequence has shown that it will not bring what lies between. The leg
 * covers the topic again once the position gets there.
 */
export function covers(named: Named | null | undefined, position: Position): boolean {
  return !!named && named.epoch === position.epoch && Math.max(named.after, named.tail) <= position.offset
}

/** Records what the leg named. If the answer contradicts itself, records nothing and returns why. */
export function takeAnswer(view: LegView, { epoch, offset: head, after }: TopicAnswer): string | null {
  const from = view.asked?.from ?? null
  // A server that lags behind the previous one may answer a position with that same position, though its own head is
  // lower.
  if (after > Math.max(head, from?.offset ?? 0))
    return explain`The server said that its replay starts after ${after}, which is past its head ${head}.`
  view.asked = null
  view.refused = false
  view.named = { epoch, head, after, from, tail: 0 }
  return null
}
