import type { Clock } from '../../src/base/clock.js'
import { seededRandom } from '../kit/seeded-random.js'

/** What the world needs from its process. */
export interface Machine {
  /** Resolves when every promise that can continue has continued. */
  turn(): Promise<void>
  /**
   * Timers set with the global functions are set on this clock, and random bytes are the same in each world. null
   * restores both.
   */
  timers(clock: Clock | null): void
}

/**
 * reconnecting-websocket waits for a timer of its own before each dial. A real one takes a millisecond, and a schedule
 * has many of them: here it is due at once, like any other timer of the world.
 */
export function takeOverTimers(): Machine {
  const { setTimeout: realSet, clearTimeout: realClear } = globalThis
  const realBytes = crypto.getRandomValues.bind(crypto)
  return {
    // A tick set within a promise's task runs when no promise can continue, and costs no turn of the event loop.
    turn: () => new Promise((resolve) => process.nextTick(resolve)),
    timers(clock) {
      if (!clock) {
        globalThis.setTimeout = realSet
        globalThis.clearTimeout = realClear
        crypto.getRandomValues = realBytes
        return
      }
      const random = seededRandom(1)
      crypto.getRandomValues = (bytes) => {
        if (bytes instanceof Uint8Array) for (let at = 0; at < bytes.length; at++) bytes[at] = random() * 256
        return bytes
      }
      globalThis.setTimeout = ((task: () => void, delay = 0) => clock.setTimeout(task, delay)) as never
      globalThis.clearTimeout = ((cancel: unknown) => {
        if (typeof cancel === 'function') cancel()
      }) as never
    },
  }
}
