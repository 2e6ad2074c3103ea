// A stand-in for your own logins: any name is accepted without a password.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

const secret = process.env['SECRET'] ?? randomBytes(32)
const DAY = 86_400_000
const TTL = 600_000

const mac = (text: string) => createHmac('sha256', secret).update(text).digest('base64url')

function sign(name: string, ttl: number): string {
  const text = `${Buffer.from(name).toString('base64url')}.${Date.now() + ttl}`
  return `${text}.${mac(text)}`
}

/** The name in a valid token and the milliseconds that it has left; null for an invalid one. */
export function verify(token = ''): { name: string; ttl: number } | null {
  const [name = '', until = '', given = ''] = token.split('.')
  // Hashed once more, both have the same length, whatever was given.
  if (!timingSafeEqual(Buffer.from(mac(given)), Buffer.from(mac(mac(`${name}.${until}`))))) return null
  const ttl = Number(until) - Date.now()
  return ttl > 0 ? { name: Buffer.from(name, 'base64url').toString(), ttl } : null
}

/** `/login` sets a cookie, `/token` makes a token from it. Returns false for any other request. */
export async function serveTokens(request: IncomingMessage, response: ServerResponse): Promise<boolean> {
  if (request.method !== 'POST') return false
  if (request.url === '/login') {
    let name = ''
    for await (const chunk of request.setEncoding('utf8')) if (name.length < 40) name += String(chunk)
    name = name.trim().slice(0, 40)
    const cookie = `login=${sign(name, DAY)}; HttpOnly; SameSite=Lax; Path=/; Max-Age=${DAY / 1_000}`
    response.writeHead(name === '' ? 400 : 204, name === '' ? {} : { 'Set-Cookie': cookie }).end()
    return true
  }
  if (request.url !== '/token') return false
  const login = verify(/(?:^|; )login=([^;]*)/.exec(request.headers.cookie ?? '')?.[1])
  response.writeHead(login ? 200 : 401, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
  response.end(JSON.stringify(login && { token: sign(login.name, TTL), ttl: TTL }))
  return true
}
