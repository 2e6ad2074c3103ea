import { STATUS_CODES, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { systemClock } from '../../base/clock.js'
import { SUBPROTOCOL } from '../../protocol/frames.js'
import type { OriginCheck } from './origin.js'
import type { ServerEvent } from '../server-event.js'

/** The most characters of a list of subprotocols; longer lists are refused unread. */
const LONGEST_OFFER = 1_024
/** The most characters of what a stranger wrote that an event contains. */
const LONGEST_WORD = 200
/** Milliseconds that a refusal may take to leave this machine. A client that reads nothing is then cut off. */
const REFUSAL_PATIENCE = 2_000

/** What a request asks for: the path without its query, and the host. */
export interface Target {
  readonly path: string
  readonly host: string | undefined
}

/**
 * Reads both forms of a request line: `/path`, and `http://host/path` as some proxies send it, whose host then counts.
 */
export function targetOf(request: IncomingMessage): Target {
  const url = request.url ?? ''
  const [, authority, rest] = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)(.*)$/is.exec(url) ?? [undefined, undefined, url]
  const path = rest!.replace(/\?.*$/s, '')
  return { path: authority !== undefined && path === '' ? '/' : path, host: authority ?? request.headers.host }
}

/** Whether the request is for a WebSocket, and not for HTTP/2 or another protocol. */
export function asksForWebSocket(request: IncomingMessage): boolean {
  return request.headers.upgrade?.toLowerCase() === 'websocket'
}

export interface Refusal {
  readonly status: number
  readonly reason: Extract<ServerEvent, { type: 'upgrade-refused' }>['reason']
  readonly message: string
}

export const NOT_FOUND: Refusal = { status: 404, reason: 'path', message: 'Not found.' }

/** Why a request for a WebSocket is refused before the upgrade; null if it is not. */
export function refusalOf(request: IncomingMessage, { host }: Target, allows: OriginCheck): Refusal | null {
  if (!allows(request.headers.origin, host)) {
    return { status: 403, reason: 'origin', message: 'Pages of this origin may not connect.' }
  }
  const offered = request.headers['sec-websocket-protocol'] ?? ''
  const offers = offered.length <= LONGEST_OFFER && offered.split(',').some((name) => name.trim() === SUBPROTOCOL)
  return offers ? null : { status: 400, reason: 'subprotocol', message: `The subprotocol must be ${SUBPROTOCOL}.` }
}

/** The event that tells the operator of a refusal. */
export function refusedEvent(request: IncomingMessage, { status, reason }: Refusal, address: string): ServerEvent {
  const { origin } = request.headers
  return {
    type: 'upgrade-refused',
    status,
    reason,
    path: printable(targetOf(request).path),
    ...(address === '' ? undefined : { address: printable(address) }),
    ...(origin === undefined ? undefined : { origin: printable(origin) }),
  }
}

/** The text goes to logs and terminals. */
function printable(text: string): string {
  return text.slice(0, LONGEST_WORD).replace(/[^\x20-\x7e]/g, '?')
}

/**
 * Node removes its own error listener before it emits `upgrade`. Without another one, a reset would end the process.
 */
export function guard(stream: Duplex): void {
  stream.on('error', () => stream.destroy())
}

/** Answers the request with the refusal, and ends its connection. */
export function refuse(stream: Duplex, { status, message }: Refusal): void {
  guard(stream)
  const forget = systemClock.setTimeout(() => stream.destroy(), REFUSAL_PATIENCE)
  stream.once('close', forget)
  stream.once('finish', () => stream.destroy())
  stream.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\nSec-WebSocket-Version: 13\r\nContent-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  )
}
