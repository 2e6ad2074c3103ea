import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

interface Waiter {
  give(token: string): void
  refuse(error: LiveSocketError): void
}

/** Dials that wait for a token that is not there yet. */
export class TokenWaiters {
  #waiting: Set<Waiter> | null = null

  get size(): number {
    return this.#waiting?.size ?? 0
  }

  /** Resolves with the next token; rejects as `aborted` when `signal` fires, or with what `refuse` says. */
  wait(signal: AbortSignal): Promise<string> {
    if (signal.aborted) return Promise.reject(aborted())
    const waiting = (this.#waiting ??= new Set())
    return new Promise((resolve, reject) => {
      const done = () => {
        waiting.delete(waiter)
        signal.removeEventListener('abort', stop)
      }
      const waiter: Waiter = {
        give(token) {
          done()
          resolve(token)
        },
        refuse(error) {
          done()
          reject(error)
        },
      }
      const stop = () => waiter.refuse(aborted())
      signal.addEventListener('abort', stop)
      waiting.add(waiter)
    })
  }

  give(token: string): void {
    for (const waiter of this.#all()) waiter.give(token)
  }

  refuse(error: LiveSocketError): void {
    for (const waiter of this.#all()) waiter.refuse(error)
  }

  /** Whoever comes in between waits for the next one; a socket that has its token keeps no list. */
  #all(): Iterable<Waiter> {
    const waiting = [...(this.#waiting ?? [])]
    this.#waiting = null
    return waiting
  }
}

function aborted() {
  return new LiveSocketError('aborted', explain`Nobody waits for this token any more`)
}
