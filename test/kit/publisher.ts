import { systemClock, type Clock } from '../../src/base/clock.js'

/** The data of a published message: its publisher, its number from 1, and its time of sending. */
export interface Numbered {
  readonly from: string
  readonly n: number
  readonly at: number
}

export interface Publisher {
  /** How many messages it has sent. */
  readonly sent: number
  stop(): void
}

export interface PublisherOptions {
  name: string
  /** Messages a second, at equal intervals. */
  rate: number
  send(message: Numbered): void
  clock?: Clock
}

/**
 * Sends numbered messages at an even rate. A late tick sends everything that is due, so that the rate holds under load.
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
