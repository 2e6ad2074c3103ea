import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'
import type { LiveSocketEvents } from './events.js'

interface Waiter {
  /** The leg that it wants left; undefined where none served. */
  readonly from: number | undefined
  readonly resolve: () => void
  readonly reject: (error: LiveSocketError) => void
}

/** Calls of the application's `handover()` that have not come to an end. */
export class HandoverWaiters {
  #waiting: Waiter[] = []

  /** Resolves when that leg has been left. */
  wait(from: number | undefined): Promise<void> {
    return new Promise((resolve, reject) => void this.#waiting.push({ from, resolve, reject }))
  }

  /** A handover is over, or a reconnection: `active` serves. */
  handedOver(active: number | undefined): void {
    for (const { resolve } of this.#take(({ from }) => from !== active)) resolve()
  }

  /** A handover came to nothing; `old`: the leg that is still to go from a former one. */
  failed(why: LiveSocketEvents['handover-failed']['why'], old: number | undefined): void {
    const message = explain`The handover came to nothing (${why}); the leg that served still does.`
    for (const { reject } of this.#take(({ from }) => from === undefined || from !== old))
      reject(new LiveSocketError('timeout', message))
  }

  closed(): void {
    for (const { reject } of this.#take(() => true))
      reject(new LiveSocketError('closed', explain`The live socket was closed during the handover.`))
  }

  #take(done: (waiter: Waiter) => boolean): Waiter[] {
    const taken = this.#waiting.filter(done)
    this.#waiting = this.#waiting.filter((waiter) => !taken.includes(waiter))
    return taken
  }
}
