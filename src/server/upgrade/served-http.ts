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

/** Where a live server is reached: an HTTP server of its own, one that it is mounted on, or none that it knows of. */
export interface ServedHttp {
  readonly ready: Promise<void>
  /** Null where upgrades are given to it by hand. */
  readonly http: HttpServer | null
  /** Throws `invalid` where it cannot be told. */
  address(): string
  /** Takes no upgrade any more. */
  leave(): void
  /** Ends what it opened itself. */
  close(): Promise<void>
}

export interface ServedHttpOptions {
  readonly server?: unknown
  readonly port?: number
  readonly host?: string
  readonly path: string
  readonly clock: Clock
  /** Answers what asks for no WebSocket, on a server of its own. */
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
      // One whose name is being looked up would listen behind its close, and one that is about to would never say so.
      await ready.catch(() => undefined)
      // One that never came to listen has nothing to close, and says so by an error that tells nobody anything.
      await new Promise<void>((resolve) => {
        own.http.close(() => resolve())
        own.http.closeAllConnections()
      })
    },
  }
}
