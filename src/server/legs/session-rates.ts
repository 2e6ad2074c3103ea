import type { Clock } from '../../base/clock.js'
import type { ServerLimits } from '../limits.js'

/** What one session may send, on all of its legs here. */
export interface SessionRate {
  /** Counts a frame. 0: it is within the rate; else the milliseconds after which it would have been. */
  take(bytes: number): number
  /**
   * It is not served: it does not count, and the milliseconds after which the session may go on. Null where it was told
   * so as often as it may be: whoever does not listen is not worth an answer each.
   */
  refuse(bytes: number): number | null
  /** The leg is gone. */
  leave(): void
}

/** The rates of the sessions of one server. */
export interface SessionRates {
  join(session: string): SessionRate
  readonly size: number
}

interface Spent {
  messages: number
  bytes: number
  refusals: number
  at: number
  legs: number
}

/** Sessions without a leg whose rate is not yet forgotten: nobody gets a new burst by coming back. */
const MOST_GONE = 10_000
/**
 * A part of its burst that a session waits for when it was over: less would have it come back for one message at a
 * time.
 */
const ROOM = 0.1

export function createSessionRates(
  limits: Pick<ServerLimits, 'messagesPerSecond' | 'messageBurst' | 'bytesPerSecond' | 'byteBurst'>,
  clock: Clock,
): SessionRates {
  const { messagesPerSecond, messageBurst, bytesPerSecond, byteBurst } = limits
  const sessions = new Map<string, Spent>()
  /** Those without a leg, the first to go first. */
  const gone = new Map<string, Spent>()
  const forgiven = 1_000 * Math.max(messageBurst / messagesPerSecond, byteBurst / bytesPerSecond)

  /** What was spent is paid back as time passes. */
  function now(spent: Spent) {
    const seconds = (clock.monotonic() - spent.at) / 1_000
    spent.at += seconds * 1_000
    spent.messages = Math.max(0, spent.messages - seconds * messagesPerSecond)
    spent.bytes = Math.max(0, spent.bytes - seconds * bytesPerSecond)
    spent.refusals = Math.max(0, spent.refusals - seconds * messagesPerSecond)
  }

  /** Until no more is spent than these parts of the bursts. */
  function wait({ messages, bytes }: Spent, part: number): number {
    return (
      1_000 *
      Math.max(0, (messages - part * messageBurst) / messagesPerSecond, (bytes - part * byteBurst) / bytesPerSecond)
    )
  }

  function forget() {
    for (const [session, { at }] of gone) {
      if (gone.size <= MOST_GONE && clock.monotonic() - at < 2 * forgiven) return
      gone.delete(session)
      sessions.delete(session)
    }
  }

  return {
    join(session) {
      forget()
      const spent = sessions.get(session) ?? { messages: 0, bytes: 0, refusals: 0, at: clock.monotonic(), legs: 0 }
      sessions.set(session, spent)
      gone.delete(session)
      spent.legs++
      return {
        take(bytes) {
          now(spent)
          // One that finds any room is let pass whole, or a frame larger than a burst never would.
          const over = wait(spent, 1)
          spent.messages++
          spent.bytes += bytes
          return Math.ceil(over)
        },
        refuse(bytes) {
          spent.messages--
          spent.bytes -= bytes
          if (++spent.refusals > messageBurst) return null
          return Math.ceil(wait(spent, 1 - ROOM))
        },
        leave() {
          if (--spent.legs > 0) return
          now(spent)
          if (spent.messages === 0 && spent.bytes === 0) return void sessions.delete(session)
          gone.set(session, spent)
          forget()
        },
      }
    },
    get size() {
      return sessions.size
    },
  }
}
