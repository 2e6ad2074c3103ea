import { systemClock, type Clock } from '../../src/base/clock.js'

/** A clock whose timers can be stopped, like those of a stopped process. */
export function stoppable(): { clock: Clock; stop(): void; go(): void } {
  let stopped = false
  const held = new Set<() => void>()
  return {
    clock: {
      ...systemClock,
      setTimeout(task, delay) {
        const run = () => {
          held.delete(run)
          if (stopped) held.add(run)
          else task()
        }
        const cancel = systemClock.setTimeout(run, delay)
        return () => {
          held.delete(run)
          cancel()
        }
      },
    },
    stop: () => void (stopped = true),
    go() {
      stopped = false
      for (const run of [...held]) run()
    },
  }
}
