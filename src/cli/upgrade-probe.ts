import { randomBytes } from 'node:crypto'
import { request as plainRequest, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as tlsRequest } from 'node:https'
import { systemClock, type Clock } from '../base/clock.js'
import { SUBPROTOCOL } from '../protocol/frames.js'

/**
 * The result of one request for a WebSocket, as far as HTTP shows it. WebSocket classes do not: to a page all failures
 * look alike.
 */
export type UpgradeProbe =
  /** `cookies`: the names of the cookies that it set. */
  | { readonly outcome: 'upgraded'; readonly cookies: readonly string[] }
  | { readonly outcome: 'answered'; readonly status: number }
  /**
   * `code` is the name that the system or TLS gives the error: `ECONNREFUSED`, `ENOTFOUND`,
   * `DEPTH_ZERO_SELF_SIGNED_CERT`.
   */
  | { readonly outcome: 'failed'; readonly code: string }
  | { readonly outcome: 'silent' }

interface ProbeOptions {
  /** Milliseconds. */
  readonly patience: number
  readonly clock?: Clock
}

/** Requests a WebSocket once at that `ws:` or `wss:` URL, and drops it. Never rejects. */
export function probeUpgrade(url: string, { patience, clock = systemClock }: ProbeOptions): Promise<UpgradeProbe> {
  const target = new URL(url)
  const request = target.protocol === 'wss:' ? tlsRequest : plainRequest
  const headers: OutgoingHttpHeaders = {
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
    'Sec-WebSocket-Protocol': SUBPROTOCOL,
  }
  return new Promise((resolve) => {
    const asked = request(url.replace(/^ws/, 'http'), { headers, agent: false })
    const settle = (probe: UpgradeProbe) => {
      cancel()
      asked.destroy()
      resolve(probe)
    }
    const cancel = clock.setTimeout(() => settle({ outcome: 'silent' }), patience)
    asked.on('upgrade', ({ headers: { 'set-cookie': cookies = [] } }: IncomingMessage, socket) => {
      socket.destroy()
      settle({ outcome: 'upgraded', cookies: cookies.map((cookie) => cookie.split('=')[0]!) })
    })
    asked.on('response', (response) => {
      response.resume()
      settle({ outcome: 'answered', status: response.statusCode! })
    })
    asked.on('error', (error: NodeJS.ErrnoException) =>
      settle({ outcome: 'failed', code: error.code ?? error.message }),
    )
    asked.end()
  })
}

/**
 * Whether browsers will open WebSockets there inside an HTTP/2 connection (RFC 8441), which all sockets of a page then
 * share. Never rejects; false if unknown.
 */
export function sharesConnection(url: string, { patience, clock = systemClock }: ProbeOptions): Promise<boolean> {
  if (!url.startsWith('wss:')) return Promise.resolve(false)
  return new Promise((resolve) => {
    const session = connectHttp2(new URL(url.replace(/^ws/, 'http')).origin)
    const settle = (shares: boolean) => {
      cancel()
      session.destroy()
      resolve(shares)
    }
    const cancel = clock.setTimeout(() => settle(false), patience)
    // A proxy may answer in HTTP/2 although TLS did not agree on it; browsers then do not use it.
    session.on('remoteSettings', ({ enableConnectProtocol }) =>
      settle(enableConnectProtocol === true && session.alpnProtocol === 'h2'),
    )
    session.on('error', () => settle(false))
    session.on('close', () => settle(false))
  })
}

const SYSTEM_CODES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Nobody listens there (connection refused). Is the server up, and are host and port right?',
  ENOTFOUND: 'The host name is unknown (ENOTFOUND). Is it spelt right, and does its DNS record exist?',
  EAI_AGAIN: 'The host name cannot be looked up at present (EAI_AGAIN). Does this machine reach a name server?',
  ECONNRESET:
    'The connection was accepted and cut at once (ECONNRESET). Does only one side use TLS (wss: or ws:), or is there a firewall?',
  EHOSTUNREACH: 'The host cannot be reached from here (EHOSTUNREACH): a missing route, or a firewall.',
  ENETUNREACH: 'The network cannot be reached from here (ENETUNREACH).',
  ETIMEDOUT: 'The host does not answer (ETIMEDOUT): a firewall that drops packets, or a host that is down.',
  EPROTO: 'That port does not speak TLS (EPROTO). Is it for ws: instead of wss:?',
  CERT_HAS_EXPIRED: 'Its certificate has expired. Browsers refuse it as well: renew it.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Its certificate is for another host name. Browsers refuse it as well.',
}

const STATUSES: Readonly<Record<number, string>> = {
  400: 'The request was refused as malformed (400). Does the proxy in front pass the Upgrade and Connection headers on?',
  401: 'Something in front of the server wants a login (401). A browser sends no Authorization header with a WebSocket: allow this path without a login; the token goes in the hello.',
  403: 'The connection is forbidden (403). For a page the reason would be its origin: see allowedOrigins. For this request it is something in front of the server.',
  404: 'There is nothing at that path (404). Is it the path that createLiveServer was given, and does the proxy pass it on unchanged?',
  405: 'GET is not allowed there (405): that path is not the WebSocket.',
  426: 'It answers that this is a WebSocket (426): the Upgrade header was lost on the way. Let the proxy in front pass Upgrade and Connection on.',
  429: 'Too many requests (429): a limit of the server, or of something in front of it.',
  502: 'The balancer or proxy in front has no server to send this to (502). Is the server up, and does it listen where the balancer looks?',
  503: 'No server is ready behind that address (503), or the server accepts no more connections.',
  504: 'The server did not answer the balancer or proxy in time (504).',
}

/** Why no WebSocket opens, and what to do about it, in a sentence or two. */
export function whyNot(probe: UpgradeProbe): string {
  switch (probe.outcome) {
    case 'answered': {
      const { status } = probe
      if (status >= 300 && status < 400)
        return `It redirects (${status}): browsers do not follow redirects for a WebSocket. Give the URL that it leads to.`
      return (
        STATUSES[status] ??
        `It answers ${status} instead of a WebSocket. Is that the right path, and does the proxy in front pass the Upgrade and Connection headers on?`
      )
    }
    case 'failed': {
      const { code } = probe
      const certificate = /CERT|SELF_SIGNED|UNABLE_TO/.test(code)
      return (
        SYSTEM_CODES[code] ??
        (certificate
          ? `Its certificate is not trusted (${code}). Browsers refuse it as well, without telling the page why: have it signed by an authority that they trust.`
          : `No connection: ${code}.`)
      )
    }
    case 'silent':
      return 'The connection is accepted, but the request for a WebSocket is never answered. Does something in front hold it back, or is the server at its limit?'
    case 'upgraded':
      return 'No WebSocket can be opened there. Does the proxy in front pass the Upgrade and Connection headers on, and is the path right?'
  }
}
