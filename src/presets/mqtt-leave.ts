/** How a leg that is being left gets its last messages. */
export interface MqttLeave {
  /** The broker has been asked to unsubscribe, under these packet ids. */
  begin(unsubscribes: Iterable<number>): void
  /** An UNSUBACK has arrived. Returns true if it was the last one, so that a ping is due. */
  unsubscribed(id: number): boolean
  /** A message has arrived. */
  brought(): void
  /** A ping of `leave` was answered. Returns true if everything has arrived; false if another ping is due. */
  answered(): boolean
  readonly under: boolean
}

/**
 * A broker sends only so many unacknowledged messages of QoS 1. The others wait in a queue, and an UNSUBACK and a pong
 * overtake that queue. But once the leg is unsubscribed nothing joins the queue, and each acknowledgement releases one
 * more message before the broker answers anything sent after the acknowledgement. So when nothing has arrived between a
 * ping and its pong, nothing waits any more.
 */
export function mqttLeave(): MqttLeave {
  let open: Set<number> | null = null
  let quiet = true
  return {
    begin(unsubscribes) {
      open = new Set(unsubscribes)
    },
    unsubscribed(id) {
      return (open?.delete(id) ?? false) && open!.size === 0
    },
    brought() {
      quiet = false
    },
    answered() {
      const all = quiet
      quiet = true
      return all
    },
    get under() {
      return open !== null && open.size === 0
    },
  }
}
