import { explain } from '../base/explanation.js'
import { LiveSocketError } from '../base/errors.js'

/** Dials that wait for a token that is not there yet. */
export interface TokenWaiters {
  /** Resolves with the next token; rejects as `aborted` when `signal` fires, or with what `refuse` says. */
  wait(signal: AbortSignal): Promise<string>
  give(token: string): void
  refuse(error: LiveSocketError): void
  readonly size: number
}

export function createTokenWaiters(): TokenWaiters {
  const waiting = new Set<{ give(token: string): void; refuse(error: LiveSocketError): void }>()
  return {
    wait(signal) {
      if (signal.aborted) return Promise.reject(aborted())
      return new Promise((resolve, reject) => {
        const done = () => {
          waiting.delete(waiter)
          signal.removeEventListener('abort', stop)
        }
        const waiter = {
          give(token: string) {
            done()
            resolve(token)
          },
          refuse(error: LiveSocketError) {
            done()
            reject(error)
          },
        }
        const stop = () => waiter.refuse(aborted())
        signal.addEventListener('abort', stop)
        waiting.add(waiter)
      })
    },
    give(token) {
      for (const waiter of [...waiting]) waiter.give(token)
    },
    refuse(error) {
      for (const waiter of [...waiting]) waiter.refuse(error)
    },
    get size() {
      return waiting.size
    },
  }
}

function aborted() {
  return new LiveSocketError('aborted', explain`Nobody waits for this token any more`)
}
