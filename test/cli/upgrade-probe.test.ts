import { createServer, type Server } from 'node:http'
import { createSecureServer } from 'node:http2'
import { createServer as createTlsServer } from 'node:https'
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocketServer, WebSocket } from 'ws'
import { doctor } from '../../src/cli/doctor.js'
import { probeUpgrade, sharesConnection, whyNot } from '../../src/cli/upgrade-probe.js'
import type { FrameSocketClass } from '../../src/cli/frame-client.js'
import { createLiveServer } from '../../src/server/index.js'
import { selfSigned } from '../kit/certificate.js'
import { freePort } from '../kit/free-port.js'

const PATIENCE = { patience: 2_000 }
let tls = { key: '', cert: '' }

beforeAll(async () => {
  tls = await selfSigned()
})

async function listening(
  server: Server | ReturnType<typeof createTcpServer> | ReturnType<typeof createSecureServer>,
): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => void sockets.add(socket))
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

/** A proxy that answers every request for a WebSocket with that status. */
async function answering(status: number): Promise<string> {
  const server = createServer()
  server.on('upgrade', (_, socket) =>
    socket.end(`HTTP/1.1 ${status} X\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`),
  )
  return `ws://127.0.0.1:${await listening(server)}/live`
}

const words = async (url: string) => whyNot(await probeUpgrade(url, PATIENCE))

describe('the reason why no WebSocket opens, in one sentence with what to do', () => {
  it.each<[string, () => Promise<string> | string, RegExp]>([
    ['nobody listens', async () => `ws://127.0.0.1:${await freePort()}/live`, /connection refused.*server up/],
    ['a host name that does not exist', () => 'ws://live.invalid/live', /host name.*(unknown|looked up)/],
    [
      'an untrusted certificate',
      async () => `wss://localhost:${await listening(createTlsServer(tls))}/live`,
      /certificate is not trusted/,
    ],
    ['TLS at a plain port', async () => `wss://localhost:${await listening(createServer())}/live`, /TLS|ws:/],
    ['the login of a gateway', () => answering(401), /login \(401\)/],
    ['a status 403', () => answering(403), /403.*allowedOrigins/],
    ['a balancer without servers', () => answering(502), /no server.*502/],
    ['a status 503', () => answering(503), /503/],
    ['a redirect', () => answering(301), /redirects \(301\)/],
    ['any other status', () => answering(418), /418/],
    [
      'an Upgrade header that is lost on the way',
      async () =>
        `ws://127.0.0.1:${await listening(createServer((_, response) => response.writeHead(426).end()))}/live`,
      /426.*Upgrade/,
    ],
  ])('%s', async (_, url, text) => {
    expect(await words(await url())).toMatch(text)
  })

  it('the wrong path', async () => {
    const server = createLiveServer({ port: 0, host: '127.0.0.1', path: '/live', authenticate: () => ({}) })
    onTestFinished(() => server.close())
    await server.ready
    expect(await words(server.address().replace('/live', '/nope'))).toMatch(/nothing at that path \(404\)/)
  })

  it('a request that is never answered', async () => {
    const url = `ws://127.0.0.1:${await listening(createTcpServer())}/live`
    expect(whyNot(await probeUpgrade(url, { patience: 50 }))).toMatch(/never answered/)
  })
})

const examine = async (url: string) =>
  (await doctor({ url, WebSocket: WebSocket as unknown as FrameSocketClass, idle: 20, patience: 500 })).map(
    ({ health, text }) => `${health}: ${text}`,
  )

describe('the doctor warns', () => {
  it('of a sticky cookie, which would send clients back to the draining server, without showing its value', async () => {
    const http = createServer()
    const sockets = new WebSocketServer({ server: http, handleProtocols: () => 'livesocket.v1' })
    sockets.on('headers', (headers) => void headers.push('Set-Cookie: SERVERID=node-a-and-a-secret; path=/'))
    const seen = await examine(`ws://127.0.0.1:${await listening(http)}/live`)
    expect(seen).toContainEqual(expect.stringMatching(/^mind: It sets the cookie SERVERID\./))
    expect(seen.join()).not.toContain('secret')
  })

  it('of HTTP/2, where a second WebSocket shares the connection, and not where only HTTP/1.1 is offered', async () => {
    vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
    onTestFinished(() => void vi.unstubAllEnvs())
    const http2 = createSecureServer({ ...tls, allowHTTP1: true, settings: { enableConnectProtocol: true } })
    new WebSocketServer({ server: http2 as never, handleProtocols: () => 'livesocket.v1' })
    expect(await examine(`wss://localhost:${await listening(http2)}/live`)).toContainEqual(
      expect.stringMatching(/^mind: Browsers open WebSockets there inside one HTTP\/2 connection/),
    )
    const without = createSecureServer({ ...tls, allowHTTP1: true, settings: { enableConnectProtocol: false } })
    expect(await sharesConnection(`wss://localhost:${await listening(without)}/live`, PATIENCE)).toBe(false)
    expect(await sharesConnection(`wss://localhost:${await listening(createTlsServer(tls))}/live`, PATIENCE)).toBe(
      false,
    )
    expect(await sharesConnection('ws://localhost/live', PATIENCE)).toBe(false)
  })
})
