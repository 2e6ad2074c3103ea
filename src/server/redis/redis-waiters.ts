import type { Clock } from '../../base/clock.js'

/** Callers that wait until Redis is there. */
export class RedisWaiters {
  private readonly clock: Clock
  private readonly waiting = new Set<() => void>()
  private tell: () => void = () => undefined
  /** Resolves after the first try, whatever its result. */
  readonly tried = new Promise<void>((resolve) => void (this.tell = resolve))

  constructor(clock: Clock) {
    this.clock = clock
  }

  triedOnce(): void {
    this.tell()
  }

  /** Resolves with whether Redis is there: as soon as `wake` is called, or with false when `patience` is over. */
  wait(patience: number, isHere: () => boolean): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (is: boolean) => {
        cancel()
        this.waiting.delete(wake)
        resolve(is)
      }
      const wake = () => settle(isHere())
      const cancel = this.clock.setTimeout(() => settle(false), patience)
      this.waiting.add(wake)
    })
  }

  wake(): void {
    for (const wake of [...this.waiting]) wake()
  }
}
