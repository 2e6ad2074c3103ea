/**
 * Keeps what one session appends in order. An append does not wait for earlier answers: whatever is sent over one
 * connection under one epoch is applied in the order in which it was sent, or from some point on not at all. If an
 * append has to be sent again, or the route to Redis has changed, it waits until all earlier ones were sent over the
 * present route, or are settled.
 */
export interface AppendOrder {
  enter(session: string): AppendPlace
}

export interface AppendPlace {
  /**
   * Sends it, for the first time or again, when it is its turn, which is usually at once. `task` must send
   * synchronously: after an `await` the route might be another one.
   */
  send<Reply>(task: () => Promise<Reply>): Promise<Reply>
  /** The append is settled, whatever the outcome. */
  leave(): void
}

interface Sending {
  /** The generation of the connection that it was sent under; null while it waits to be sent. */
  sent: number | null
  wake(): void
}

/**
 * @param generation changes whenever something sent from then on might be applied although something sent before is
 * not.
 */
export function createAppendOrder(generation: () => number): AppendOrder {
  /** The appends that are not settled, in order. */
  const lanes = new Map<string, Set<Sending>>()

  /** The first append that was not sent over the present route. */
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
