import { createServer, type Server as HttpServer } from 'node:http'
import type { Socket } from 'node:net'
import type { Clock } from '../../base/clock.js'
import { network } from './client-address.js'
import type { RequestListener } from '../request-listener.js'
import { createPendingConnections } from './pending-connections.js'

/** Connections at a time that have not asked for a WebSocket, or not yet. */
const MAX_UNASKED = 2_000
/** For the head of a request, and for all of it. */
const REQUEST_PATIENCE = 10_000
/**
 * Connections that the system holds until the process takes them, if it lets so many. Past Node's 511 it drops them,
 * and a client's next try is a second away.
 */
export const BACKLOG = 8_192
/** How often Node looks whose time is over; by itself it does every 30 s. */
const LOOK = 1_000

export interface OwnHttp {
  readonly http: HttpServer
  /** That connection has asked for the WebSocket that is here, and counts there from now on. */
  asked(stream: object): void
}

/**
 * The HTTP server that comes with `port`. A connection that says nothing costs a file and some memory: they are bounded
 * as those that do not say hello. Behind a proxy all of them are the proxy's, which says something at once.
 */
export function createOwnHttp(listener: RequestListener, clock: Clock): OwnHttp {
  const http = createServer(
    { headersTimeout: REQUEST_PATIENCE, requestTimeout: REQUEST_PATIENCE, connectionsCheckingInterval: LOOK },
    listener,
  )
  const unasked = createPendingConnections({ max: MAX_UNASKED, maxBytes: Infinity, clock })
  const leave = new WeakMap<object, () => void>()
  http.on('connection', (socket: Socket) => {
    // An upgrade that was declined begins its connection anew.
    if (leave.has(socket)) return
    const place = unasked.enter(network(socket.remoteAddress), () => socket.destroy())
    if (!place) return void socket.destroy()
    leave.set(socket, place.leave)
    socket.once('close', place.leave)
  })
  return { http, asked: (stream) => leave.get(stream)?.() }
}
