import { instant, since, type Clock, type Instant } from '../../base/clock.js'

/**
 * How long what arrives on a leg can have been on its way (server rule 5). What comes behind the answer to a ping was
 * sent after that ping; what comes on a leg at all, after its welcome.
 */
export interface LegFlight {
  /** The leg is welcomed. */
  welcomed(): void
  /** A ping leaves that bears this mark. */
  asked(mark: string): void
  answered(mark: string): void
  /** Milliseconds. */
  longest(): number
}

/** Pings whose answers are waited for; beyond, the oldest is given up. */
const MOST = 64

export function createLegFlight(clock: Clock): LegFlight {
  let from: Instant = instant(clock)
  /** Unanswered, in their order. Of two that bear the same mark the first counts: an answer may be to either. */
  let pings: { readonly mark: string; readonly at: Instant }[] = []

  return {
    welcomed: () => void (from = instant(clock)),
    asked(mark) {
      if (pings.at(-1)?.mark === mark) return
      pings.push({ mark, at: instant(clock) })
      if (pings.length > MOST) pings.shift()
    },
    answered(mark) {
      const at = pings.findIndex((ping) => ping.mark === mark)
      if (at < 0) return
      from = pings[at]!.at
      pings = pings.slice(at + 1)
    },
    longest: () => since(clock, from),
  }
}
