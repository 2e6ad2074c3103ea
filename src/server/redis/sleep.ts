import type { Clock } from '../../base/clock.js'

/** Waits that can all be ended at once. */
export interface Sleep {
  (ms: number): Promise<void>
  wakeAll(): void
}

export function createSleep(clock: Clock): Sleep {
  const sleeping = new Set<() => void>()
  const sleep = (ms: number) =>
    new Promise<void>((resolve) => {
      const wake = () => {
        cancel()
        sleeping.delete(wake)
        resolve()
      }
      const cancel = clock.setTimeout(wake, ms)
      sleeping.add(wake)
    })
  return Object.assign(sleep, {
    wakeAll() {
      for (const wake of [...sleeping]) wake()
    },
  })
}
