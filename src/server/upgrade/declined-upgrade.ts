import type { IncomingMessage, Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { NOT_FOUND, refuse } from './upgrade.js'

/** Fields that speak of the upgrade alone. */
const OF_UPGRADE = new Set(['upgrade', 'http2-settings'])

/**
 * Answers an upgrade that nobody here speaks as the plain request that it is as well: a server may always decline (RFC
 * 9110, 7.8), and `curl --http2` asks for one each time. Node has let go of its parser by then and would skip a body;
 * so the connection begins anew with the same request, without the question.
 */
export function declineUpgrade(http: HttpServer, request: IncomingMessage, stream: Duplex, head: Buffer): void {
  // Nobody answers requests here.
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
