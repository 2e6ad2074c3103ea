/**
 * Keeps what one session appends in order. None of it waits for the answers to what was sent before, because what is
 * sent over one connection under one epoch is applied as it was sent, or from some point on not at all. Where something
 * has to be sent anew, or the way to Redis changed meanwhile, each waits until all before it were sent that way too, or
 * are settled.
 */
export interface AppendOrder {
  enter(session: string): AppendPlace
}

export interface AppendPlace {
  /**
   * Sends it, for the first time or anew, when it is its turn: as a rule at once. `task` must itself send at once: with
   * an `await` before it the way might be another one by then.
   */
  send<Reply>(task: () => Promise<Reply>): Promise<Reply>
  /** It is settled, one way or the other. */
  leave(): void
}

interface Sending {
  /** The generation of the connection that it was sent under; null: it waits to be sent. */
  sent: number | null
  wake(): void
}

/**
 * @param generation changes whenever what is sent from then on might be applied although what was sent before is not.
 */
export function createAppendOrder(generation: () => number): AppendOrder {
  /** What is not settled, in its order. */
  const lanes = new Map<string, Set<Sending>>()

  /** The first that was not sent the way that leads to Redis now. */
  function next(lane: Set<Sending>): Sending | undefined {
    for (const one of lane) if (one.sent !== generation()) return one
    return undefined
  }

  return {
    enter(session) {
      const lane = lanes.get(session) ?? new Set()
      const mine: Sending = { sent: null, wake: () => undefined }
      lanes.set(session, lane.add(mine))
      return {
        async send(task) {
          mine.sent = null
          while (next(lane) !== mine) await new Promise<void>((resolve) => void (mine.wake = resolve))
          mine.sent = generation()
          const reply = task()
          next(lane)?.wake()
          return reply
        },
        leave() {
          lane.delete(mine)
          if (lane.size === 0) lanes.delete(session)
          else next(lane)?.wake()
        },
      }
    },
  }
}
