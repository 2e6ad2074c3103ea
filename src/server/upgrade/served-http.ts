import type { IncomingMessage, Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../../base/clock.js'
import { invalid } from '../../base/invalid.js'
import type { RequestListener } from '../request-listener.js'
import type { ServerEvent } from '../server-event.js'
import type { Acceptor } from './acceptor.js'
import { listening, localUrl } from './listening.js'
import { BACKLOG, createOwnHttp } from './own-http.js'
import { mountPath } from './upgrade-dispatch.js'
import type { AddressOf } from './client-address.js'
import { NOT_FOUND, refusedEvent } from './upgrade.js'

/** Where a live server is reached: an HTTP server of its own, one that it is mounted on, or none that it knows. */
export interface ServedHttp {
  readonly ready: Promise<void>
  /** Null if upgrades are passed in by the application. */
  readonly http: HttpServer | null
  /** Throws `invalid` if the address is not known. */
  address(): string
  /** Takes no more upgrades. */
  leave(): void
  /** Closes what the live server opened itself. */
  close(): Promise<void>
}

export interface ServedHttpOptions {
  readonly server?: unknown
  readonly port?: number
  readonly host?: string
  readonly path: string
  readonly clock: Clock
  /** Answers requests that are not for a WebSocket, on an HTTP server of its own. */
  readonly plain: RequestListener
  readonly acceptor: Acceptor
  readonly addressOf: AddressOf
  onEvent(event: ServerEvent): void
}

export function serveHttp(options: ServedHttpOptions): ServedHttp {
  const { port, host, path, acceptor, addressOf, onEvent } = options
  const own = port === undefined ? null : createOwnHttp(options.plain, options.clock)
  const http = own?.http ?? (options.server as HttpServer | undefined) ?? null

  function take(request: IncomingMessage, stream: Duplex, head: Buffer) {
    own?.asked(stream)
    acceptor.upgrade(request, stream, head)
  }

  const refused = (request: IncomingMessage) => onEvent(refusedEvent(request, NOT_FOUND, addressOf(request)))
  const leave = http ? mountPath(http, path, { take, refused }) : () => undefined
  own?.http.listen({ port, host, backlog: BACKLOG })
  const { ready, giveUp } = http ? listening(http) : { ready: Promise.resolve(), giveUp() {} }

  return {
    ready,
    http,
    address() {
      if (!http) throw invalid('With noServer the address is that of your HTTP server')
      return localUrl(http, path)
    },
    leave,
    async close() {
      if (!own) return giveUp()
      // A server that still resolves its host name would start to listen after `close`, so that is waited for.
      await ready.catch(() => undefined)
      // `close` reports an error for a server that never listened. There is nothing to close then, and the error is
      // ignored.
      await new Promise<void>((resolve) => {
        own.http.close(() => resolve())
        own.http.closeAllConnections()
      })
    },
  }
}
