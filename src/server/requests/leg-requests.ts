import type { Answerer, RequestFrame } from './answerer.js'
import type { Encoded } from '../topics/encoded.js'
import { answerFrame } from '../topics/message-frame.js'

/** The requests of one leg that are under way. They run concurrently; none waits for another. */
export interface LegRequests<User> {
  /** The answer as an encoded frame. */
  answer(frame: RequestFrame, who: { readonly user: User; readonly session: string }): Promise<Encoded>
  /** Whether as many are under way as may be. */
  full(): boolean
  /** Nobody waits for that request any longer. */
  cancel(id: string): void
  /** The leg is gone: nobody waits for any of its requests. */
  cancelAll(): void
}

export function createLegRequests<User>(answer: Answerer<User>, max: number): LegRequests<User> {
  // Not keyed by id: a client may use an id twice, and both requests are work.
  const underWay = new Set<{ readonly id: string; readonly controller: AbortController }>()
  return {
    async answer(frame, who) {
      const asked = { id: frame.id, controller: new AbortController() }
      underWay.add(asked)
      try {
        return answerFrame(frame.id, await answer(frame, who, asked.controller))
      } finally {
        underWay.delete(asked)
      }
    },
    full: () => underWay.size >= max,
    cancel(id) {
      for (const asked of underWay) if (asked.id === id) asked.controller.abort()
    },
    cancelAll() {
      for (const { controller } of underWay) controller.abort()
    },
  }
}
