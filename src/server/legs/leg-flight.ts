import { instant, since, type Clock, type Instant } from '../../base/clock.js'

/** Pings whose answers are waited for; beyond, the oldest is given up. */
const MOST = 64

/**
 * How long what arrives on a leg can have been on its way (server rule 5). What comes behind the answer to a ping was
 * sent after that ping; what comes on a leg at all, after its welcome.
 */
export class LegFlight {
  private readonly clock: Clock
  private from: Instant
  /**
   * Unanswered, in their order. Of two that bear the same mark the first answer counts for the first, since it may be to
   * either, and the second for the second.
   */
  private pings: { readonly mark: string; readonly at: Instant }[] | null = null

  constructor(clock: Clock) {
    this.clock = clock
    this.from = instant(clock)
  }

  /** The leg is welcomed. */
  welcomed(): void {
    this.from = instant(this.clock)
  }

  /** A ping leaves that bears this mark. */
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
