import type { Clock } from '../../src/base/clock.js'
import { seededRandom } from '../kit/seeded-random.js'

/** What the world needs of the process that it runs in. */
export interface Machine {
  /** Every promise that can go on has gone on. */
  turn(): Promise<void>
  /**
   * Whatever sets a timer with the global functions sets it on this clock, and random bytes are the same in each world;
   * null gives both back.
   */
  timers(clock: Clock | null): void
}

/**
 * reconnecting-websocket waits for a timer of its own before each dial. A real one takes a millisecond, and a schedule
 * has many: here it is due at once, like any other timer of the world.
 */
export function takeOverTimers(): Machine {
  const { setTimeout: realSet, clearTimeout: realClear } = globalThis
  const realBytes = crypto.getRandomValues.bind(crypto)
  return {
    // Set from within a promise's task, a tick comes when no promise can go on any more, and costs no turn of the loop.
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
