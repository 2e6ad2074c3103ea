import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { SUBPROTOCOL } from '../protocol/frames.js'
import type { OriginCheck } from './origin.js'

/** Longer lists of subprotocols are refused unread. */
const LONGEST_OFFER = 1_024

/** The path of a request, without its query. */
export function pathOf(request: IncomingMessage): string {
  const url = request.url ?? ''
  const query = url.indexOf('?')
  return query < 0 ? url : url.slice(0, query)
}

export interface Refusal {
  readonly status: number
  readonly message: string
}

/** Why a request for a WebSocket is refused before it becomes one; null where it is not. */
export function refusalOf(request: IncomingMessage, allows: OriginCheck): Refusal | null {
  if (!allows(request.headers.origin, request.headers.host)) {
    return { status: 403, message: 'Pages of this origin may not connect.' }
  }
  const offered = request.headers['sec-websocket-protocol'] ?? ''
  const offers = offered.length <= LONGEST_OFFER && offered.split(',').some((name) => name.trim() === SUBPROTOCOL)
  return offers ? null : { status: 400, message: `The subprotocol must be ${SUBPROTOCOL}.` }
}

/** Answers the request with that refusal, and ends its connection. */
export function refuse(socket: Duplex, { status, message }: Refusal): void {
  // Whoever was refused may be gone already.
  socket.on('error', () => socket.destroy())
  socket.once('finish', () => socket.destroy())
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  )
}
