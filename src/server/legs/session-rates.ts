import type { Clock } from '../../base/clock.js'
import type { ServerLimits } from '../limits.js'

/** The rates of the sessions of one server. */
export interface SessionRates {
  /** The rate of the session, over all of its legs here. It counts one more leg until `leave`. */
  join(session: string): SessionRate
  leave(rate: SessionRate): void
  readonly size: number
}

export type RateLimits = Pick<ServerLimits, 'messagesPerSecond' | 'messageBurst' | 'bytesPerSecond' | 'byteBurst'>

/** The most sessions without a leg whose rate is remembered: nobody gets a new burst by coming back. */
const MOST_GONE = 10_000
/**
 * A session that was over its rate waits until this share of its burst is free. With less it would come back for one
 * message at a time.
 */
const ROOM = 0.1

/** What one session has sent that still counts against its rate. */
export class SessionRate {
  readonly session: string
  legs = 0
  private readonly limits: RateLimits
  private readonly clock: Clock
  private messages = 0
  private bytes = 0
  private refusals = 0
  private at: number

  constructor(session: string, limits: RateLimits, clock: Clock) {
    this.session = session
    this.limits = limits
    this.clock = clock
    this.at = clock.monotonic()
  }

  /** Counts a frame. 0 if it is within the rate; else the milliseconds after which it would have been. */
  take(bytes: number): number {
    this.forgive()
    // A frame passes whole if there is any room at all: a frame larger than a burst would never pass otherwise.
    const over = this.wait(1)
    this.messages++
    this.bytes += bytes
    return Math.ceil(over)
  }

  /**
   * Uncounts a frame that is not served. Returns the milliseconds after which the session may continue; null if it was
   * already refused as often as it may be, and is not worth another answer.
   */
  refuse(bytes: number): number | null {
    this.messages--
    this.bytes -= bytes
    if (++this.refusals > this.limits.messageBurst) return null
    return Math.ceil(this.wait(1 - ROOM))
  }

  /** Whether nothing that it sent counts any longer. */
  isClear(): boolean {
    this.forgive()
    return this.messages === 0 && this.bytes === 0
  }

  /** Milliseconds since it last sent anything, or was checked. */
  restedFor(): number {
    return this.clock.monotonic() - this.at
  }

  /** What was spent is paid back as time passes. */
  private forgive() {
    const { messagesPerSecond, bytesPerSecond } = this.limits
    const seconds = (this.clock.monotonic() - this.at) / 1_000
    this.at += seconds * 1_000
    this.messages = Math.max(0, this.messages - seconds * messagesPerSecond)
    this.bytes = Math.max(0, this.bytes - seconds * bytesPerSecond)
    this.refusals = Math.max(0, this.refusals - seconds * messagesPerSecond)
  }

  /** Milliseconds until no more is spent than that share of each burst. */
  private wait(part: number): number {
    const { messagesPerSecond, messageBurst, bytesPerSecond, byteBurst } = this.limits
    return (
      1_000 *
      Math.max(
        0,
        (this.messages - part * messageBurst) / messagesPerSecond,
        (this.bytes - part * byteBurst) / bytesPerSecond,
      )
    )
  }
}

export function createSessionRates(limits: RateLimits, clock: Clock): SessionRates {
  const { messagesPerSecond, messageBurst, bytesPerSecond, byteBurst } = limits
  const sessions = new Map<string, SessionRate>()
  /** Rates without a leg, those that left first in front. */
  const gone = new Set<SessionRate>()
  const forgiven = 1_000 * Math.max(messageBurst / messagesPerSecond, byteBurst / bytesPerSecond)

  function forget() {
    for (const rate of gone) {
      if (gone.size <= MOST_GONE && rate.restedFor() < 2 * forgiven) return
      gone.delete(rate)
      sessions.delete(rate.session)
    }
  }

  return {
    join(session) {
      forget()
      let rate = sessions.get(session)
      if (!rate) sessions.set(session, (rate = new SessionRate(session, limits, clock)))
      gone.delete(rate)
      rate.legs++
      return rate
    },
    leave(rate) {
      if (--rate.legs > 0) return
      if (rate.isClear()) return void sessions.delete(rate.session)
      gone.add(rate)
      forget()
    },
    get size() {
      return sessions.size
    },
  }
}
