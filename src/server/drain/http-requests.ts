import type { EventEmitter } from 'node:events'
import type { Clock } from '../../base/clock.js'

/** An HTTP server whose application answers requests of its own. */
export type WatchedHttp = Pick<EventEmitter, 'on' | 'off'> & {
  readonly listening?: boolean
  close?(): unknown
  closeIdleConnections?(): void
}

export interface HttpRequests {
  /**
   * Accepts no new connections. Resolves once each request under way was answered, or after 10 s, or when `hurry` is
   * called.
   */
  finish(): Promise<void>
  hurry(): void
  /** Counts no further requests. */
  leave(): void
}

/** Milliseconds: less than what is left of a grace period once the legs are gone. */
const PATIENCE = 10_000

/**
 * Watches the requests of an HTTP server that other code answers: a process that ended in the middle of one would cut
 * it off. Without such a server there is nothing to wait for.
 */
export function watchRequests(http: WatchedHttp | undefined, clock: Clock): HttpRequests {
  if (!http) return { finish: async () => undefined, hurry: () => undefined, leave: () => undefined }
  let underWay = 0
  let done: () => void = () => undefined
  function count(_request: unknown, response: EventEmitter) {
    underWay++
    response.once('close', () => {
      if (--underWay === 0) done()
    })
  }
  http.on('request', count)
  return {
    async finish() {
      if (http.listening) http.close?.()
      http.closeIdleConnections?.()
      if (underWay === 0) return
      await new Promise<void>((resolve) => {
        const cancel = clock.setTimeout(resolve, PATIENCE)
        done = () => (cancel(), resolve())
      })
    },
    hurry: () => done(),
    leave: () => void http.off('request', count),
  }
}
