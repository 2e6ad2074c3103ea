/**
 * Keeps what one session appends in order. None of it waits for the answers to what was sent before, because what is sent over one
 * connection under one epoch is applied as it was sent, or from some point on not at all. Where something has to be sent
 * anew, or the way to Redis changed meanwhile, each waits until all before it were sent that way too, or are settled.
 */
export interface AppendOrder {
  enter(session: string): AppendPlace
}

/** `send` is called when it is this one's turn, and does so at once: with an `await` before it the way might be another one by then. */
export interface AppendPlace {
  /** Sends it, without waiting where everything before it went the same way. */
  first<Reply>(send: () => Promise<Reply>): Promise<Reply>
  /** Sends it anew. */
  again<Reply>(send: () => Promise<Reply>): Promise<Reply>
  /** It is settled, one way or the other. */
  leave(): void
}

interface Sending {
  /** The generation of the connection that it was sent under; null: it has to be sent, again or for the first time. */
  sent: number | null
  wake(): void
}

interface Lane {
  /** What is not settled, in its order. */
  readonly unsettled: Set<Sending>
  readonly generation: number
  /** Not all of it was sent under that generation, each once. */
  disturbed: boolean
}

export function createAppendOrder(generation: () => number): AppendOrder {
  const lanes = new Map<string, Lane>()

  /** The first that was not sent the way that leads to Redis now. */
  function next({ unsettled }: Lane): Sending | undefined {
    for (const one of unsettled) if (one.sent !== generation()) return one
    return undefined
  }

  return {
    enter(session) {
      const lane: Lane = lanes.get(session) ?? { unsettled: new Set(), generation: generation(), disturbed: false }
      const mine: Sending = { sent: null, wake: () => undefined }
      lanes.set(session, lane)
      lane.unsettled.add(mine)

      async function again<Reply>(send: () => Promise<Reply>): Promise<Reply> {
        lane.disturbed = true
        mine.sent = null
        while (next(lane) !== mine) await new Promise<void>((resolve) => void (mine.wake = resolve))
        mine.sent = generation()
        const reply = send()
        next(lane)?.wake()
        return reply
      }

      return {
        first(send) {
          if (lane.disturbed || lane.generation !== generation()) return again(send)
          mine.sent = generation()
          return send()
        },
        again,
        leave() {
          lane.unsettled.delete(mine)
          if (lane.unsettled.size === 0) lanes.delete(session)
          else if (lane.disturbed) next(lane)?.wake()
        },
      }
    },
  }
}
