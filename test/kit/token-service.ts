import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { jwtVerify, SignJWT } from 'jose'
import { nanoid } from 'nanoid'
import { systemClock, type Clock } from '../../src/base/clock.js'

/**
 * Signs visitors in with a cookie, signs short-lived tokens for visitors with a cookie, and verifies tokens for the
 * live servers.
 */
export interface TokenService {
  readonly ready: Promise<void>
  readonly url: string
  /** How many tokens were signed so far. */
  readonly signed: number
  /**
   * Request handler for another HTTP server. `POST /login?visitor=NAME` sets the cookie. `POST /token` answers `{
   * token, ttl, sessionTtl }` with the cookie and 401 without. `POST /logout` ends the login everywhere.
   */
  endpoint(request: IncomingMessage, response: ServerResponse): void
  /**
   * The owner and the login of a token, and the milliseconds that it has left. Null if it is not from this service or
   * has expired.
   */
  verify(token: string | undefined): Promise<TokenUser | null>
  /**
   * Reports each login that its user has ended, since a token outlives its login but a live leg must not. Returns the
   * undo function.
   */
  onLogout(listener: (login: string) => void): () => void
  close(): Promise<void>
}

export interface TokenUser {
  readonly subject: string
  readonly login: string
  readonly tokenTtl: number
}

export interface TokenServiceOptions {
  /** Lifetime of a token in milliseconds (whole seconds). Default 120,000. */
  lifetime?: number
  /** How long a login lasts, in milliseconds (whole seconds). Fetching tokens does not extend it. Default 8 h. */
  login?: number
  /** Default 0: a free port. */
  port?: number
  clock?: Clock
}

export const COOKIE = 'livesocket-demo-login'

export function createTokenService(options: TokenServiceOptions = {}): TokenService {
  const { lifetime = 120_000, login: loginLifetime = 8 * 3_600_000, clock = systemClock } = options
  const key = crypto.subtle.generateKey({ name: 'HMAC', hash: 'SHA-256' }, false, ['sign', 'verify'])
  const logins = new Map<string, { visitor: string; id: string; endsAt: number }>()
  const listeners = new Set<(login: string) => void>()
  let signed = 0

  const sign = async (visitor: string, login: string): Promise<string> => {
    const issued = Math.floor(clock.now() / 1_000)
    return new SignJWT({ sid: login })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(visitor)
      .setIssuedAt(issued)
      .setExpirationTime(issued + Math.ceil(lifetime / 1_000))
      .sign(await key)
  }

  const loginOf = (request: IncomingMessage) => {
    const secret = request.headers.cookie?.match(new RegExp(`(?:^|; )${COOKIE}=([\\w-]+)`))?.[1]
    const login = secret === undefined ? undefined : logins.get(secret)
    return login && login.endsAt > clock.now() ? { ...login, secret: secret! } : null
  }

  const cookie = (secret: string, age: number) =>
    `${COOKIE}=${secret}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${Math.floor(age / 1_000)}`

  const signIn = (visitor: string | null, response: ServerResponse) => {
    if (!visitor || visitor.length > 64) return void response.writeHead(400).end()
    const now = clock.now()
    for (const [secret, { endsAt }] of logins) if (endsAt <= now) logins.delete(secret)
    const secret = nanoid()
    logins.set(secret, { visitor, id: nanoid(), endsAt: now + loginLifetime })
    response.writeHead(204, { 'set-cookie': cookie(secret, loginLifetime) }).end()
  }

  const giveToken = async (request: IncomingMessage, response: ServerResponse) => {
    const login = loginOf(request)
    // The login is the upper limit: without one there is no new token, even if old ones are still in use.
    if (!login) return void response.writeHead(401).end()
    const token = await sign(login.visitor, login.id)
    signed++
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify({ token, ttl: lifetime, sessionTtl: Math.max(0, login.endsAt - clock.now()) }))
  }

  const signOut = (request: IncomingMessage, response: ServerResponse) => {
    const login = loginOf(request)
    response.writeHead(204, { 'set-cookie': cookie('', 0) }).end()
    if (!login) return
    logins.delete(login.secret)
    for (const listener of [...listeners]) listener(login.id)
  }

  const endpoint = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end()
    request.resume()
    const { pathname, searchParams } = new URL(`http://tokens${request.url}`)
    if (pathname === '/login') return signIn(searchParams.get('visitor'), response)
    if (pathname === '/token') return void giveToken(request, response)
    if (pathname === '/logout') return signOut(request, response)
    response.writeHead(404).end()
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
        const { payload } = await jwtVerify(token, await key, {
          algorithms: ['HS256'],
          currentDate: new Date(clock.now()),
        })
        return {
          subject: payload.sub!,
          login: payload['sid'] as string,
          tokenTtl: Math.max(0, payload.exp! * 1_000 - clock.now()),
        }
      } catch {
        return null
      }
    },
    onLogout(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    async close() {
      const closed = once(server, 'close')
      server.closeAllConnections()
      server.close()
      await closed
    },
  }
}
