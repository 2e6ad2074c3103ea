import { createServer, type Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { network } from './client-address.js'
import type { RequestListener } from '../request-listener.js'
import { createPendingConnections } from './pending-connections.js'

/** The most connections at a time that have not asked for a WebSocket, or not yet. */
const MAX_UNASKED = 2_000
/** Milliseconds for the head of a request, and for the whole request. */
const REQUEST_PATIENCE = 10_000
/**
 * The most connections that the system queues until the process accepts them, if it allows that many. Beyond Node's
 * default of 511 it drops connections, and a client retries only after a second.
 */
export const BACKLOG = 8_192
/** Milliseconds between Node's checks for requests that are overdue; its default is 30 s. */
const LOOK = 1_000

export interface OwnHttp {
  readonly http: HttpServer
  /** The connection has asked for a WebSocket. From now on the WebSocket limits count it. */
  asked(stream: object): void
}

/**
 * Creates the HTTP server that comes with `port`. A connection that sends nothing costs a file descriptor and some
 * memory, so such connections are limited like those that send no `hello`. Behind a proxy all connections are the
 * proxy's, which sends its request at once.
 */
export function createOwnHttp(listener: RequestListener, clock: Clock): OwnHttp {
  const http = createServer(
    { headersTimeout: REQUEST_PATIENCE, requestTimeout: REQUEST_PATIENCE, connectionsCheckingInterval: LOOK },
    listener,
  )
  const unasked = createPendingConnections({ max: MAX_UNASKED, maxBytes: Infinity, clock })
  const leave = new WeakMap<object, () => void>()
  http.on('connection', (socket: Socket) => {
    // A declined upgrade starts its connection over.
    if (leave.has(socket)) return
    const place = unasked.enter(network(socket.remoteAddress), () => socket.destroy())
    if (!place) return void socket.destroy()
    leave.set(socket, place.leave)
    socket.once('close', place.leave)
  })
  return { http, asked: (stream) => leave.get(stream)?.() }
}
