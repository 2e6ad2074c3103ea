/** How a leg that is left comes to its last message. */
export interface MqttLeave {
  /** The broker is asked to send no more under these packet ids. */
  begin(unsubscribes: Iterable<number>): void
  /** An UNSUBACK. True: it was the last, and a ping is due. */
  unsubscribed(id: number): boolean
  /** A message has come. */
  brought(): void
  /** A ping of ours was answered. True: all has come. False: another one is due. */
  answered(): boolean
  readonly under: boolean
}

/**
 * A broker has so many messages of QoS 1 on their way, and the others wait in a queue, which an UNSUBACK and a pong
 * overtake. But nothing joins that queue once the leg is unsubscribed, and each acknowledgement lets one more go before
 * what comes behind the acknowledgement is answered: where nothing came between a ping and its pong, nothing waits.
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
