import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { LiveSocketError } from '../../base/errors.js'
import { invalid } from '../../base/invalid.js'

export interface Listening {
  /** Resolves when it listens; rejects where it cannot. */
  readonly ready: Promise<void>
  /** Nobody is served here any more: who still waits for it hears so. */
  giveUp(): void
}

/**
 * An application that listens to errors of its HTTP server itself has heard of one, and may go on; one that closes its
 * live server knows as well. Then a rejection that nobody asked for ends no process.
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
