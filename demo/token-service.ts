import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify, SignJWT } from 'jose'
import { systemClock } from '../src/base/clock.js'

/** Signs short-lived tokens, and tells the live servers whose a token is. A real one sits behind a sign-in and knows who asks. */
export interface TokenService {
  readonly ready: Promise<void>
  readonly url: string
  /** Tokens signed so far. */
  readonly signed: number
  /** To mount on another HTTP server: answers `POST ?visitor=NAME` with `{ token, ttl }`. */
  endpoint(request: IncomingMessage, response: ServerResponse): void
  /** Whose token it is and the milliseconds that it has left, or null where it is not ours or is over. */
  verify(token: string | undefined): Promise<{ subject: string; tokenTtl: number } | null>
  close(): Promise<void>
}

export interface TokenServiceOptions {
  /** Lifetime of a token in milliseconds, whole seconds; default 120,000. */
  lifetime?: number
  /** Default 0: a free one. */
  port?: number
}

export function createTokenService(options: TokenServiceOptions = {}): TokenService {
  const lifetime = options.lifetime ?? 120_000
  const key = crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
  let signed = 0

  const sign = async (visitor: string): Promise<string> =>
    new SignJWT()
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(visitor)
      .setExpirationTime(`${Math.ceil(lifetime / 1_000)} seconds`)
      .sign(await key)

  const endpoint = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end()
    request.resume()
    const visitor = new URL(request.url ?? '/', 'http://tokens').searchParams.get('visitor')
    if (!visitor || visitor.length > 64) return void response.writeHead(401).end()
    signed++
    void sign(visitor).then((token) => {
      response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
      response.end(JSON.stringify({ token, ttl: lifetime }))
    })
  }

  const server = createServer(endpoint)
  server.listen(options.port ?? 0, '127.0.0.1')

  return {
    ready: once(server, 'listening').then(() => undefined),
    get url() {
      return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    },
    get signed() {
      return signed
    },
    endpoint,
    async verify(token) {
      if (!token) return null
      try {
        const { payload } = await jwtVerify(token, await key, { algorithms: ['HS256'] })
        return { subject: payload.sub!, tokenTtl: Math.max(0, payload.exp! * 1_000 - systemClock.now()) }
      } catch {
        return null
      }
    },
    async close() {
      const closed = once(server, 'close')
      server.closeAllConnections()
      server.close()
      await closed
    },
  }
}
