import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { invalid } from '../../base/invalid.js'

/**
 * Resolves when it listens; rejects where it cannot. An application that listens to errors of its HTTP server itself
 * has heard of it, and may go on: then a rejection that nobody asked for ends no process.
 */
export function listening(http: HttpServer): Promise<void> {
  if (http.listening) return Promise.resolve()
  const ready = new Promise<void>((resolve, reject) => {
    const settle = (then: () => void) => () => {
      http.off('listening', up)
      http.off('error', down)
      then()
    }
    const up = settle(resolve)
    const down = (error: Error) =>
      settle(() => {
        if (http.listenerCount('error') > 0) ready.catch(() => undefined)
        reject(error)
      })()
    http.once('listening', up)
    http.once('error', down)
  })
  return ready
}

/** The URL at which this machine can dial it. Throws `invalid` before it listens on a port. */
export function localUrl(http: HttpServer, path: string): string {
  const at = http.address()
  if (at === null || typeof at === 'string') throw invalid('The server does not listen on a port: await ready first')
  return `${'setSecureContext' in http ? 'wss' : 'ws'}://${hostOf(at)}:${at.port}${path}`
}

/** An address that means "all" is none that one can dial. */
function hostOf({ address, family }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return '127.0.0.1'
  return family === 'IPv6' ? `[${address}]` : address
}
