import type { Answerer, RequestFrame } from './answerer.js'
import type { Encoded } from '../topics/encoded.js'
import { answerFrame } from '../topics/message-frame.js'

/** The requests of one leg that are under way: each by itself, none waits for another. */
export interface LegRequests<User> {
  /** The answer, as what to send. */
  ask(frame: RequestFrame, who: { readonly user: User; readonly session: string }): Promise<Encoded>
  /** Whether it has as many as it may. */
  full(): boolean
  /** Nobody waits for that one any more. */
  cancel(id: string): void
  /** The leg is gone: nobody waits for any. */
  cancelAll(): void
}

export function createLegRequests<User>(answer: Answerer<User>, max: number): LegRequests<User> {
  const underWay = new Map<string, AbortController>()
  return {
    async ask(frame, who) {
      const controller = new AbortController()
      underWay.set(frame.id, controller)
      const answered = await answer(frame, who, controller)
      if (underWay.get(frame.id) === controller) underWay.delete(frame.id)
      return answerFrame(frame.id, answered)
    },
    full: () => underWay.size >= max,
    cancel: (id) => underWay.get(id)?.abort(),
    cancelAll() {
      for (const controller of underWay.values()) controller.abort()
    },
  }
}
