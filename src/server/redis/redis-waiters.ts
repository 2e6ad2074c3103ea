import type { Clock } from '../../base/clock.js'

/** Those who wait until Redis is there. */
export class RedisWaiters {
  private readonly clock: Clock
  private readonly waiting = new Set<() => void>()
  private tell: () => void = () => undefined
  /** Resolves once it was tried at all. */
  readonly tried = new Promise<void>((resolve) => void (this.tell = resolve))

  constructor(clock: Clock) {
    this.clock = clock
  }

  triedOnce(): void {
    this.tell()
  }

  /** Whether it is there: as soon as somebody is woken, or at the end of `patience`. */
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
