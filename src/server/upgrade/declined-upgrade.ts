import type { IncomingMessage, Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { NOT_FOUND, refuse } from './upgrade.js'

/** Header fields, and options of `Connection`, that are only about the upgrade. */
const OF_UPGRADE = new Set(['upgrade', 'http2-settings'])

/**
 * Answers an upgrade to a protocol that nobody here speaks as the plain request that it also is. A server may always
 * decline an upgrade (RFC 9110, 7.8), and `curl --http2` asks for one each time. Node has already detached its parser
 * and would skip a body, so the connection starts over with the same request, without the upgrade.
 */
export function declineUpgrade(http: HttpServer, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  // Nobody answers requests on this HTTP server.
  if (http.listenerCount('request') === 0) return refuse(stream, NOT_FOUND)
  stream.unshift(Buffer.concat([Buffer.from(headOf(request), 'latin1'), head]))
  http.emit('setSecureContext' in http ? 'secureConnection' : 'connection', stream)
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  let text = `${method} ${url} HTTP/${httpVersion}\r\n`
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at]!
    if (OF_UPGRADE.has(name.toLowerCase())) continue
    const value = name.toLowerCase() === 'connection' ? withoutUpgrade(rawHeaders[at + 1]!) : rawHeaders[at + 1]!
    if (value !== '') text += `${name}: ${value}\r\n`
  }
  return `${text}\r\n`
}

function withoutUpgrade(options: string): string {
  return options
    .split(',')
    .map((option) => option.trim())
    .filter((option) => !OF_UPGRADE.has(option.toLowerCase()))
    .join(', ')
}
