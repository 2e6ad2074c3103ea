import { instant, since, type Clock, type Instant } from '../../base/clock.js'

/** The most pings whose pongs are awaited; beyond it the oldest is given up. */
const MOST = 64

/**
 * How long a frame that arrives on a leg can have been on its way (server rule 5). A frame that comes after the pong to
 * a ping was sent after that ping. Any frame of a live leg was sent after its welcome.
 */
export class LegFlight {
  private readonly clock: Clock
  private from: Instant
  /**
   * Unanswered pings, in order. Two pings may have the same mark. The first pong then counts for the first ping,
   * because it may answer either, and the second pong for the second.
   */
  private pings: { readonly mark: string; readonly at: Instant }[] | null = null

  constructor(clock: Clock) {
    this.clock = clock
    this.from = instant(clock)
  }

  /** The leg was welcomed. */
  welcomed(): void {
    this.from = instant(this.clock)
  }

  /** A ping with this mark is sent. */
  asked(mark: string): void {
    this.pings ??= []
    this.pings.push({ mark, at: instant(this.clock) })
    if (this.pings.length > MOST) this.pings.shift()
  }

  answered(mark: string): void {
    const at = this.pings?.findIndex((ping) => ping.mark === mark) ?? -1
    if (at < 0) return
    const pings = this.pings!
    this.from = pings[at]!.at
    this.pings = at + 1 < pings.length ? pings.slice(at + 1) : null
  }

  /** Milliseconds. */
  longest(): number {
    return since(this.clock, this.from)
  }
}
