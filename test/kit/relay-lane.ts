import type { Clock, Random } from '../../src/base/clock.js'

/** The state of the network in each direction, in addition to the relay's delay. It may change during a connection. */
export interface Weather {
  /** Added to the delay, ms. */
  readonly latency: number
  /** Random delay of each piece, ms: drawn evenly between 0 and this. */
  readonly jitter: number
  /** The largest piece that leaves at once. Between two pieces other connections have their turn. */
  readonly slice: number
  /** Bytes a second. */
  readonly bandwidth: number
}

export const CALM: Weather = { latency: 0, jitter: 0, slice: Infinity, bandwidth: Infinity }

export type Freight = Buffer | 'end' | 'reset'

/** One direction of a connection: bytes leave it `delay` ms after they entered, in the same order. */
export interface Lane {
  enter(freight: Freight): void
  readonly full: boolean
  setDelay(delay: number): void
  freeze(): void
  thaw(): void
  clear(): void
}

export interface LaneDeps {
  readonly clock: Clock
  readonly random: Random
  /** The delay in one direction, ms. */
  readonly delay: number
  /** Nothing leaves before this time on the monotonic clock. */
  readonly opensAt: number
  readonly weather: Weather
}

/**
 * With this many bytes on their way in one direction the relay stops reading, so that a frozen path fills up as a real
 * one does.
 */
const WINDOW = 256 * 1024

export function createLane(
  { clock, random, delay, opensAt, weather }: LaneDeps,
  leave: (freight: Freight) => void,
): Lane {
  const waiting: { freight: Freight; due: number }[] = []
  let bytes = 0
  let frozen = false
  /** When the last byte that has entered will be through, if bandwidth is bounded. */
  let free = 0
  let cancel: (() => void) | undefined

  const flush = () => {
    cancel?.()
    cancel = undefined
    while (!frozen && waiting.length > 0) {
      const rest = waiting[0]!.due - clock.monotonic()
      // Timers have whole milliseconds. Skipping a remainder below one errs as often in one direction as in the other.
      if (rest >= 1) {
        cancel = clock.setTimeout(flush, rest)
        return
      }
      const { freight } = waiting.shift()!
      bytes -= freight.length
      leave(freight)
      if (weather.slice === Infinity) continue
      const next = setImmediate(flush)
      cancel = () => clearImmediate(next)
      return
    }
  }

  function queue(freight: Freight) {
    // After the delay was lowered, later bytes are due earlier, and wait for the bytes before them.
    const due = Math.max(clock.monotonic(), opensAt) + delay + weather.latency + weather.jitter * random()
    free = Math.max(due, free) + (typeof freight === 'string' ? 0 : (freight.length / weather.bandwidth) * 1_000)
    waiting.push({ freight, due: weather.bandwidth === Infinity ? due : free })
    bytes += freight.length
  }

  return {
    enter(freight) {
      const { slice } = weather
      if (typeof freight === 'string' || freight.length <= slice) queue(freight)
      else for (let at = 0; at < freight.length; at += slice) queue(freight.subarray(at, at + slice))
      if (!cancel) flush()
    },
    get full() {
      return bytes >= WINDOW
    },
    setDelay: (changed) => void (delay = changed),
    freeze() {
      frozen = true
    },
    thaw() {
      frozen = false
      flush()
    },
    clear() {
      cancel?.()
      cancel = undefined
      waiting.length = 0
      bytes = 0
    },
  }
}
