import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer, type ServerOptions } from 'ws'
import { createLeg, type Leg, type LegDeath } from '../../src/legs/leg.js'

const undo: (() => void)[] = []
afterEach(() => undo.splice(0).forEach((step) => step()))

async function startServer(options: ServerOptions = {}) {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    handleProtocols: (offered) => offered.values().next().value ?? false,
    ...options,
  })
  undo.push(() => {
    server.clients.forEach((client) => client.terminate())
    server.close()
  })
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[WebSocket]>
  return { server, accepted, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

async function startTcp(onConnection: (socket: Socket) => void) {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    socket.on('error', () => undefined)
    sockets.push(socket)
    onConnection(socket)
  })
  undo.push(() => {
    sockets.forEach((socket) => socket.destroy())
    server.close()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return { server, url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** A leg. A test can wait for its events one after the other. */
function dialLeg(url: string, subprotocols: string[] = ['livesocket.v1']) {
  const events: unknown[] = []
  let wake = () => {}
  const tell = (event: unknown) => {
    events.push(event)
    wake()
  }
  const leg: Leg = createLeg(
    { url, subprotocols, WebSocket },
    { opened: () => tell('opened'), received: tell, died: tell },
  )
  undo.push(() => leg.close())
  const next = async () => {
    while (events.length === 0) await new Promise<void>((resolve) => (wake = resolve))
    return events.shift()
  }
  return { leg, next, events }
}

const failedDial: LegDeath = { code: 1006, reason: '', opened: false }

describe('a leg to a real server', () => {
  it('opens with the subprotocol, carries text and bytes both ways in order, and is closed by its owner with code 1000', async () => {
    const { accepted, url } = await startServer()
    const { leg, next, events } = dialLeg(url)
    const [client] = await accepted
    expect(await next()).toBe('opened')
    expect(client.protocol).toBe('livesocket.v1')

    client.on('message', (data, binary) => client.send(data, { binary }))
    leg.send('hello')
    leg.send(new Uint8Array([1, 2, 3]).buffer)
    expect(await next()).toBe('hello')
    expect(new Uint8Array((await next()) as ArrayBuffer)).toEqual(new Uint8Array([1, 2, 3]))

    const closed = once(client, 'close')
    leg.close(1000, 'moved')
    const [code, reason] = (await closed) as [number, Buffer]
    expect({ code, reason: String(reason) }).toEqual({ code: 1000, reason: 'moved' })
    expect(events).toEqual([])
  })

  it.each([
    {
      does: 'closes with 1000',
      end: (client: WebSocket) => client.close(1000, 'bye'),
      death: { code: 1000, reason: 'bye', opened: true },
    },
    {
      does: 'closes with 1012',
      end: (client: WebSocket) => client.close(1012),
      death: { code: 1012, reason: '', opened: true },
    },
    {
      does: 'closes without a code',
      end: (client: WebSocket) => client.close(),
      death: { code: 1005, reason: '', opened: true },
    },
    {
      does: 'vanishes',
      end: (client: WebSocket) => client.terminate(),
      death: { code: 1006, reason: '', opened: true },
    },
    {
      does: 'resets the connection',
      end: (client: WebSocket) => streamOf(client).resetAndDestroy(),
      death: { code: 1006, reason: '', opened: true },
    },
    {
      does: 'hangs up without a close frame',
      end: (client: WebSocket) => streamOf(client).end(),
      death: { code: 1006, reason: '', opened: true },
    },
    {
      does: 'breaks the framing',
      end: (client: WebSocket) => rawWrite(client, 0xff),
      death: { code: 1006, reason: '', opened: true },
    },
  ])('dies once when the server $does', async ({ end, death }) => {
    const { accepted, url } = await startServer()
    const { next, events } = dialLeg(url)
    const [client] = await accepted
    expect(await next()).toBe('opened')
    end(client)
    expect(await next()).toEqual(death)
    if (client.readyState !== WebSocket.CLOSED) await once(client, 'close')
    expect(events).toEqual([])
  })

  it('dies if the server selects no subprotocol', async () => {
    const { url } = await startServer({ handleProtocols: () => false })
    expect(await dialLeg(url).next()).toMatchObject({ opened: false })
  })

  it('dies if nothing listens on the port', async () => {
    const { server, url } = await startTcp(() => {})
    server.close()
    await once(server, 'close')
    expect(await dialLeg(url).next()).toEqual({
      ...failedDial,
      reason: expect.stringMatching(/^connect ECONNREFUSED/) as string,
    })
  })

  it('dies if the server refuses the upgrade', async () => {
    const { url } = await startTcp((socket) => socket.end('HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n'))
    expect(await dialLeg(url).next()).toEqual({ ...failedDial, reason: 'Unexpected server response: 401' })
  })

  it.each([
    '200 OK',
    '301 Moved Permanently',
    '302 Found',
    '403 Forbidden',
    '404 Not Found',
    '426 Upgrade Required',
    '500 Internal Server Error',
    '503 Service Unavailable',
  ])('dies if "%s" comes instead of a WebSocket, follows no redirect, and sends no frame', async (status) => {
    let heard = ''
    let connections = 0
    const { url } = await startTcp((socket) => {
      connections++
      socket.on('data', (data) => {
        heard += String(data)
        socket.end(`HTTP/1.1 ${status}\r\nLocation: ${url}/login\r\nContent-Length: 13\r\n\r\n<html></html>`)
      })
    })
    const { leg, next } = dialLeg(url)
    expect(leg.send('a secret')).toBe(false)
    expect(await next()).toMatchObject({ ...failedDial, reason: expect.stringContaining(status.slice(0, 3)) as string })
    expect([connections, heard.includes('secret')]).toEqual([1, false])
  })

  it('dies if the server answers TLS with a plain-text page, and sends no frame', async () => {
    let heard = ''
    const { url } = await startTcp((socket) =>
      socket.once('data', (data) => {
        heard += data.toString('latin1')
        socket.end('HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>')
      }),
    )
    expect(await dialLeg(url.replace('ws:', 'wss:')).next()).toMatchObject({ code: 1006, opened: false })
    expect(heard).not.toContain('livesocket')
  })

  it.each(['not a url', 'ftp://127.0.0.1/', 'ws://127.0.0.1/#fragment', ''])(
    'dies of the URL "%s" after its creation, without throwing',
    async (url) => {
      const { next, events } = dialLeg(url)
      expect(events).toEqual([])
      expect(await next()).toEqual({
        ...failedDial,
        code: 0,
        reason: 'the WebSocket constructor refused the URL or the subprotocols (SyntaxError)',
      })
    },
  )

  it('trap: ws emits an error on a socket that is closed while it dials: closing a hung dial is quiet, and hangs up', async () => {
    let reached = (_: Socket) => {}
    const connection = new Promise<Socket>((resolve) => (reached = resolve))
    const { url } = await startTcp((socket) => reached(socket))
    const { leg, events } = dialLeg(url)
    const socket = await connection
    const hungUp = once(socket, 'close')
    socket.resume()
    leg.close()
    await hungUp
    expect(events).toEqual([])
  })

  it('trap: the library dials a task later: closed before that, a leg makes no connection', async () => {
    let connections = 0
    const { url } = await startTcp((socket) => {
      connections++
      socket.destroy()
    })
    dialLeg(url).leg.close()
    // This leg dials after any dial that the first leg could have made.
    expect(await dialLeg(url).next()).toMatchObject({ opened: false })
    expect(connections).toBe(1)
  })
})

const streamOf = (client: WebSocket) => (client as unknown as { _socket: Socket })._socket

function rawWrite(client: WebSocket, byte: number) {
  streamOf(client).write(Buffer.from([byte, byte, byte, byte]))
}
