import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LiveSocketError } from '../../base/errors.js'
import { invalid } from '../../base/invalid.js'

export interface Listening {
  /** Resolves when the HTTP server listens; rejects if it cannot. */
  readonly ready: Promise<void>
  /** Nothing is served here any longer. `ready` rejects if it is still pending. */
  giveUp(): void
}

/**
 * Waits until an HTTP server listens. If the application listens to the `error` event itself, it knows of the failure
 * and may carry on; if it closes its live server, it knows as well. In both cases an unhandled rejection of `ready`
 * must not end the process.
 */
export function listening(http: HttpServer): Listening {
  if (http.listening) return { ready: Promise.resolve(), giveUp() {} }
  let settle!: (error?: Error) => void
  const ready = new Promise<void>((resolve, reject) => {
    settle = (error) => {
      http.off('listening', up)
      http.off('error', down)
      if (error) reject(error)
      else resolve()
    }
  })
  const up = () => settle()
  const down = (error: Error) => {
    settle(error)
    if (http.listenerCount('error') > 0) ready.catch(() => undefined)
  }
  http.once('listening', up)
  http.once('error', down)
  return {
    ready,
    giveUp() {
      ready.catch(() => undefined)
      settle(new LiveSocketError('closed', 'This server was closed before its HTTP server listened'))
    },
  }
}

/** The URL at which this machine can dial the server. Throws `invalid` before it listens on a port. */
export function localUrl(http: HttpServer, path: string): string {
  const at = http.address()
  if (at === null || typeof at === 'string') throw invalid('The server does not listen on a port: await ready first')
  return `${'setSecureContext' in http ? 'wss' : 'ws'}://${hostOf(at)}:${at.port}${path}`
}

/** An address that means "all interfaces" cannot be dialled. */
function hostOf({ address, family }: AddressInfo): string {
  if (address === '::' || address === '0.0.0.0') return '127.0.0.1'
  return family === 'IPv6' ? `[${address}]` : address
}
