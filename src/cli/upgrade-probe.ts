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
  ENOTFOUND: 'The host name is unknown (ENOTFOUND). Is it spelt right, and is its DNS record there?',
  EAI_AGAIN: 'The host name cannot be looked up now (EAI_AGAIN). Is there a name server that this machine reaches?',
  ECONNRESET:
    'The connection was accepted and cut at once (ECONNRESET). Is it TLS on one side alone, wss: against ws:, or a firewall?',
  EHOSTUNREACH: 'The host cannot be reached from here (EHOSTUNREACH): a route or a firewall.',
  ENETUNREACH: 'The network cannot be reached from here (ENETUNREACH).',
  ETIMEDOUT: 'The host does not answer (ETIMEDOUT): a firewall that drops, or a host that is off.',
  EPROTO: 'TLS does not begin there (EPROTO). Is it a plain port, for ws: and not wss:?',
  CERT_HAS_EXPIRED: 'Its certificate has expired. Browsers refuse it as well: renew it.',
  ERR_TLS_CERT_ALTNAME_INVALID: 'Its certificate is for another host name. Browsers refuse it as well.',
}

const STATUSES: Readonly<Record<number, string>> = {
  400: 'The request was refused as a bad one (400). Does the proxy in front pass the Upgrade and Connection headers on?',
  401: 'Something in front wants a login (401) before the server is asked. A browser sends no Authorization header with a WebSocket: let the path through, the token goes in the hello.',
  403: 'The connection is forbidden (403). From a page it would be its origin: see allowedOrigins. From here it is something in front.',
  404: 'There is nothing at that path (404). Is it the path that createLiveServer was given, and does the proxy pass it on as it is?',
  405: 'GET is not allowed there (405): that path is not the WebSocket.',
  426: 'It answers that this is a WebSocket (426): the Upgrade header was lost on the way. Let the proxy in front pass Upgrade and Connection on.',
  429: 'Too many requests (429): a limit in front of the server, or of the server itself.',
  502: 'The balancer or proxy in front has no server to send this to (502). Is the server up, and does it listen where the balancer looks?',
  503: 'Nobody is ready behind that address (503), or the server takes no more connections.',
  504: 'The server did not answer the balancer or proxy in time (504).',
}

/** Why no WebSocket opens, and what to do about it, in a sentence or two. */
export function whyNot(probe: UpgradeProbe): string {
  switch (probe.outcome) {
    case 'answered': {
      const { status } = probe
      if (status >= 300 && status < 400)
        return `It redirects (${status}): browsers do not follow that for a WebSocket. Give the URL that it leads to.`
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
          ? `Its certificate is not trusted (${code}). Browsers refuse it as well, without a word to the page: let it be signed by an authority that they know.`
          : `No connection: ${code}.`)
      )
    }
    case 'silent':
      return 'The connection is accepted, and the request for a WebSocket never answered. Is something in front holding it back, or the server at its limit?'
    case 'upgraded':
      return 'No WebSocket can be opened there. Does the proxy in front pass the Upgrade and Connection headers on, and is the path right?'
  }
}
