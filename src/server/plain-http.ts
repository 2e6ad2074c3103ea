import { RELEASE_HEADER } from './drain/replaced-watch.js'
import type { LogStatus } from './log/topic-log.js'
import { readinessOf } from './readiness.js'
import { mountable, type RequestListener } from './request-listener.js'
import { targetOf } from './upgrade/upgrade.js'

/** For readiness checks. Its answer names the release, if there is one to name. */
export function healthListener(
  ask: () => { readonly draining: boolean; readonly log: LogStatus | undefined; readonly release: string | null },
): RequestListener {
  return mountable((_request, response) => {
    const { release, ...status } = ask()
    const readiness = readinessOf(status)
    response
      .writeHead(readiness === 'ready' ? 200 : 503, {
        'Content-Type': 'text/plain',
        'Cache-Control': 'no-store',
        ...(release === null ? undefined : { [RELEASE_HEADER]: release }),
      })
      .end(readiness)
  })
}

/** What a live server's own HTTP server answers to requests that are not for a WebSocket. */
export function plainListener(path: string, health: RequestListener): RequestListener {
  return (request, response) => {
    const target = targetOf(request)
    if (target.path === '/healthz') return health(request, response)
    const isOurs = target.path === path
    response
      .writeHead(isOurs ? 426 : 404, { 'Content-Type': 'text/plain' })
      .end(isOurs ? 'This is a WebSocket.' : 'Not found.')
  }
}
