import { systemClock, type Clock } from '../../src/base/clock.js'

/** What a publisher puts in a message: who it is, the message's number from 1, and when it was sent. */
export interface Numbered {
  readonly from: string
  readonly n: number
  readonly at: number
}

export interface Publisher {
  /** How many it has sent. */
  readonly sent: number
  stop(): void
}

export interface PublisherOptions {
  name: string
  /** Messages a second, evenly apart. */
  rate: number
  send(message: Numbered): void
  clock?: Clock
}

/**
 * Sends numbered messages at an even rate. A tick that comes late sends what is due, so that the rate holds under load.
 */
export function startPublisher({ name, rate, send, clock = systemClock }: PublisherOptions): Publisher {
  const start = clock.monotonic()
  let sent = 0
  let cancel = () => {}

  const tick = () => {
    const due = Math.floor(((clock.monotonic() - start) * rate) / 1_000)
    while (sent < due) send({ from: name, n: ++sent, at: clock.now() })
    cancel = clock.setTimeout(tick, Math.max(1, start + ((sent + 1) * 1_000) / rate - clock.monotonic()))
  }
  tick()

  return {
    get sent() {
      return sent
    },
    stop: () => cancel(),
  }
}
