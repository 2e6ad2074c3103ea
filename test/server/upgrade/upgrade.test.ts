import { createServer, get } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { describe, expect, onTestFinished, test } from 'vitest'
import { originCheck } from '../../../src/server/upgrade/origin.js'
import { rawAnswer } from '../../kit/raw-answer.js'
import { rawClient } from '../../kit/raw-client.js'
import { createLiveServer, type ServerEvent } from '../../../src/server/index.js'
import { createSimulatedClock, liveServer, until, type Clock } from '../kit.js'

const WEBSOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: livesocket.v1\r\n'

const status = (url: string) =>
  new Promise<number>(
    (resolve, reject) =>
      void get(url, (response) => (response.resume(), resolve(response.statusCode!))).on('error', reject),
  )

describe('the origins whose pages may connect', () => {
  const host = 'app.example:8080'
  test.each<[string, Parameters<typeof originCheck>[0], string | undefined, boolean]>([
    ['no page at all', undefined, undefined, true],
    ['a page of the host itself', undefined, 'http://app.example:8080', true],
    ['a page of the host itself, behind TLS', undefined, 'https://app.example:8080', true],
    ['another port', undefined, 'http://app.example', false],
    ['another host', undefined, 'http://evil.example:8080', false],
    ['a host that begins alike', undefined, 'http://app.example:8080.evil.example', false],
    ['a user that looks like the host', undefined, 'http://app.example:8080@evil.example', false],
    ['a sandboxed page', undefined, 'null', false],
    ['a URL with a path in place of an origin', undefined, 'http://app.example:8080/page', false],
    ['nonsense', undefined, '://', false],
    ['a listed page', ['https://a.example'], 'https://a.example', true],
    ['a page of the host itself that is not listed', ['https://a.example'], 'http://app.example:8080', false],
    ['a subdomain of a listed one', ['https://a.example'], 'https://b.a.example', false],
    ['another scheme of a listed one', ['https://a.example'], 'http://a.example', false],
    ['a sandboxed page where that is listed', ['null'], 'null', true],
    ['any page where all are allowed', '*', 'https://evil.example', true],
    ['no page where none is allowed', [], undefined, true],
    ['a page of an iOS app', ['capacitor://localhost'], 'capacitor://localhost', true],
    ['a page of a desktop app', ['tauri://localhost', 'app://.'], 'app://.', true],
    ['a page of an extension', ['chrome-extension://abcdefghijklmnop'], 'chrome-extension://abcdefghijklmnop', true],
    [
      'a page of another extension',
      ['chrome-extension://abcdefghijklmnop'],
      'chrome-extension://abcdefghijklmno',
      false,
    ],
    ['an app that is not listed', undefined, 'capacitor://app.example:8080', false],
  ])('%s', (_, allowed, origin, passes) => {
    expect(originCheck(allowed)(origin, host)).toBe(passes)
  })

  test.each([
    ['https://example.com', 'example.com'],
    ['http://example.com', 'example.com:80'],
    ['http://[::1]:9', '[::1]:9'],
    ['http://EXAMPLE.com'.toLowerCase(), 'EXAMPLE.com'],
  ])('%s is the page of the host %s', (origin, named) => expect(originCheck(undefined)(origin, named)).toBe(true))

  test.each(['http://app.example.evil.example', 'http://notapp.example', 'http://app.example:81', 'http://app.exampl'])(
    '%s is not the page of the host app.example',
    (origin) => {
      expect(originCheck(undefined)(origin, 'app.example')).toBe(false)
    },
  )

  test.each([
    'capacitor://localhost/',
    'chrome-extension://abc/page',
    'tauri://me@localhost',
    'capacitor://',
    'app',
    'javascript:alert',
    'https://a.example/x',
    'CAPACITOR://localhost',
  ])('%s in allowedOrigins is refused at once', (entry) =>
    expect(() => originCheck([entry])).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('capacitor://localhost') }),
    ),
  )

  test('pages of other origins get a 403', async () => {
    const server = await liveServer()
    await expect(server.client({ origin: 'https://evil.example' })).rejects.toThrow('403')
    await (await server.client({ origin: server.address().replace('ws:', 'http:').replace(/\/$/, '') })).hello()
    expect(server.stats().opened).toBe(1)
  })
})

describe('upgrades that are refused', () => {
  test.each([
    ['no subprotocol', []],
    ['another subprotocol', ['chat', 'livesocket.v2']],
    ['a long list of subprotocols', [...Array.from({ length: 200 }, (_, at) => `protocol-${at}`), 'livesocket.v1']],
  ])('%s', async (_, protocols) => {
    const server = await liveServer()
    await expect(server.client({ protocols })).rejects.toThrow('400')
  })

  test('among several subprotocols the right one is selected', async () => {
    const server = await liveServer()
    const client = await server.client({ protocols: ['chat', 'livesocket.v1'] })
    expect(client.ws.protocol).toBe('livesocket.v1')
  })

  test('other paths get a 404, and the query does not count', async () => {
    const server = await liveServer({ path: '/live' })
    expect(server.address()).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/live$/)
    const base = server.address().replace('/live', '')
    for (const path of ['/', '/live/', '/liv', '/x?/live']) await expect(rawClient(base + path)).rejects.toThrow('404')
    const client = await rawClient(`${base}/live?room=1`)
    await client.hello()
    client.close()
  })
})

describe('upgrades that no browser sends', () => {
  test.each<[string, string, RegExp]>([
    ['a subprotocol and ten thousand spaces', `Sec-WebSocket-Protocol: livesocket.v1,${' '.repeat(10_000)}x`, / 400 /],
    ['a subprotocol twice', 'Sec-WebSocket-Protocol: livesocket.v1, livesocket.v1', / 400 /],
    ['two thousand fields', Array.from({ length: 2_000 }, (_, at) => `X-${at}: y`).join('\r\n'), /^HTTP/],
    ['20 kB in one field', `X-Long: ${'x'.repeat(20_000)}`, / 431 /],
    ['an extension by the name of a method', 'Sec-WebSocket-Extensions: constructor', / 101 /],
    ['malformed extensions', 'Sec-WebSocket-Extensions: a;b="c', / 101 /],
  ])('%s is answered, and the next client is served', async (_, field, answer) => {
    const server = await liveServer()
    const { port } = new URL(server.address())
    const rest = WEBSOCKET.replace(/Sec-WebSocket-Protocol.*\r\n/, field.startsWith('Sec-WebSocket-P') ? '' : '$&')
    expect(await rawAnswer(Number(port), `GET / HTTP/1.1\r\nHost: x\r\n${rest}${field}\r\n\r\n`, '\r\n\r\n')).toMatch(
      answer,
    )
    await (await server.client()).hello()
    expect(server.errors).toEqual([])
  })

  test('compression that a client offers is declined, so that no small message expands into a large one', async () => {
    const server = await liveServer()
    const client = await server.client({ perMessageDeflate: true })
    expect(client.ws.extensions).toBe('')
    await client.hello()
  })
})

test('the own HTTP server answers requests that ask for HTTP/2', async () => {
  const server = await liveServer({ path: '/live' })
  const { port } = new URL(server.address())
  const ask = (path: string) =>
    rawAnswer(
      Number(port),
      `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n`,
      '\r\n\r\n',
    )
  expect(await ask('/healthz')).toMatch(/^HTTP\/1\.1 200 /)
  expect(await ask('/live')).toMatch(/^HTTP\/1\.1 426 /)
  expect(await ask('/nobodys')).toMatch(/^HTTP\/1\.1 404 /)
})

test('the own HTTP server answers the readiness check, and nothing else', async () => {
  const server = await liveServer({ path: '/live' })
  const base = server.address().replace('ws:', 'http:').replace('/live', '')
  expect(await status(`${base}/healthz`)).toBe(200)
  expect(await status(`${base}/live`)).toBe(426)
  expect(await status(`${base}/`)).toBe(404)
})

describe('a request line in absolute form, as some proxies send it', () => {
  const ask = async (target: string, fields = '') => {
    const server = await liveServer({ path: '/live' })
    const { port } = new URL(server.address())
    return (
      await rawAnswer(
        Number(port),
        `GET ${target.replace('PORT', port)} HTTP/1.1\r\nHost: proxy.example\r\n${WEBSOCKET}${fields}\r\n`,
        '\r\n\r\n',
      )
    ).split('\r\n')[0]
  }
  test.each([
    ['http://127.0.0.1:PORT/live?x=1', '', 'HTTP/1.1 101 Switching Protocols'],
    ['http://127.0.0.1:PORT/other?/live', '', 'HTTP/1.1 404 Not Found'],
    ['http://127.0.0.1:PORT', '', 'HTTP/1.1 404 Not Found'],
    ['http://app.example/live', 'Origin: https://app.example\r\n', 'HTTP/1.1 101 Switching Protocols'],
    ['http://app.example/live', 'Origin: http://proxy.example\r\n', 'HTTP/1.1 403 Forbidden'],
  ])('%s %s', async (target, fields, answer) => expect(await ask(target, fields)).toBe(answer))
})

describe('the event of a refused upgrade', () => {
  test.each<[string, string, string, object]>([
    ['another path', '/nobodys?token=secret', '', { status: 404, reason: 'path', path: '/nobodys' }],
    [
      'a page that is not allowed',
      '/live?token=secret',
      'Origin: https://evil.example\r\n',
      { status: 403, reason: 'origin', path: '/live', origin: 'https://evil.example' },
    ],
    [
      'another subprotocol',
      '/live',
      'Sec-WebSocket-Protocol: chat\r\n',
      { status: 400, reason: 'subprotocol', path: '/live' },
    ],
    ['no key', '/live', 'Sec-WebSocket-Key: short\r\n', { status: 400, reason: 'handshake', path: '/live' }],
  ])('%s', async (_, target, fields, event) => {
    const events: ServerEvent[] = []
    const server = await liveServer({ path: '/live', onEvent: (one) => events.push(one) })
    const { port } = new URL(server.address())
    const rest = WEBSOCKET.split('\r\n')
      .filter((line) => line !== '' && !fields.startsWith(line.split(':')[0]!))
      .map((line) => `${line}\r\n`)
      .join('')
    const answer = await rawAnswer(Number(port), `GET ${target} HTTP/1.1\r\nHost: x\r\n${rest}${fields}\r\n`)
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${(event as { status: number }).status} `))
    expect(events).toEqual([{ type: 'upgrade-refused', address: '127.0.0.1', ...event }])
  })

  test('contains no control characters and no endless origin', async () => {
    const events: ServerEvent[] = []
    const server = await liveServer({ onEvent: (one) => events.push(one) })
    const { port } = new URL(server.address())
    await rawAnswer(
      Number(port),
      `GET / HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}Origin: https://a\x9b31m${'x'.repeat(500)}\r\n\r\n`,
    )
    expect(events).toEqual([expect.objectContaining({ reason: 'origin', origin: `https://a?31m${'x'.repeat(187)}` })])
  })
})

describe('several live servers on one HTTP server', () => {
  const shared = async () => {
    const http = createServer()
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void (http.closeAllConnections(), http.close()))
    const { port } = http.address() as AddressInfo
    return { http, port, base: `ws://127.0.0.1:${port}` }
  }

  test('each serves its path, and an upgrade for another path is refused once', async () => {
    const { http, port, base } = await shared()
    const events: ServerEvent[] = []
    await liveServer({ server: http, path: '/a', id: 'a', onEvent: (event) => events.push(event) })
    await liveServer({ server: http, path: '/b', id: 'b', onEvent: (event) => events.push(event) })
    for (const id of ['a', 'b']) expect(await (await rawClient(`${base}/${id}`)).hello()).toMatchObject({ server: id })
    events.length = 0
    const answer = await rawAnswer(port, `GET /c HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\n`)
    expect(answer.match(/HTTP\/1\.1 404/g)).toHaveLength(1)
    expect(events).toEqual([{ type: 'upgrade-refused', status: 404, reason: 'path', path: '/c', address: '127.0.0.1' }])
  })

  test('a path that is taken is refused at once, and is free as soon as its server begins to close', async () => {
    const { http, base } = await shared()
    const former = await liveServer({ server: http, path: '/a', id: 'former' })
    const client = await rawClient(`${base}/a`)
    await client.hello()
    expect(() => createLiveServer({ server: http, path: '/a', authenticate: () => ({}) })).toThrow(
      expect.objectContaining({ code: 'invalid', message: expect.stringContaining('/a') }),
    )
    const closed = former.close()
    await liveServer({ server: http, path: '/a', id: 'next' })
    expect(await (await rawClient(`${base}/a`)).hello()).toMatchObject({ server: 'next' })
    await closed
    expect(await client.closed).toMatchObject({ code: 1012 })
    expect(await (await rawClient(`${base}/a`)).hello()).toMatchObject({ server: 'next' })
  })

  test('the last one that closes leaves the HTTP server as it was', async () => {
    const { http, port } = await shared()
    http.on('request', (_request, response) => response.end('plain'))
    const { emit } = http
    const servers = [await liveServer({ server: http, path: '/a' }), await liveServer({ server: http, path: '/b' })]
    for (const server of servers) await server.close()
    expect([http.emit, Object.hasOwn(http, 'emit'), http.listenerCount('upgrade')]).toEqual([emit, false, 0])
    expect(await rawAnswer(port, `GET /a HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\n`, 'plain')).toMatch(/^HTTP\/1\.1 200 /)
  })
})

describe('with noServer, where the application passes upgrades on', () => {
  const mounted = async (options: { clock?: Clock } = {}) => {
    const live = await liveServer({ noServer: true, path: '/live', ...options })
    const http = createServer((_request, response) => response.end('plain'))
    const answers: boolean[] = []
    http.on('upgrade', (request, stream, head) => {
      const taken = live.upgrade(request, stream, head)
      answers.push(taken)
      if (!taken) stream.end('HTTP/1.1 418 Teapot\r\n\r\n')
    })
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void (http.closeAllConnections(), http.close()))
    return { live, answers, port: (http.address() as AddressInfo).port }
  }

  test('upgrades of the path are taken, and drained like others', async () => {
    const { live, answers, port } = await mounted()
    const client = await rawClient(`ws://127.0.0.1:${port}/live`)
    await client.hello()
    expect(answers).toEqual([true])
    await live.drain({ deadline: 1_000, rate: 1e6 })
    expect(await client.closed).toMatchObject({ code: 1012 })
    expect(() => live.address()).toThrow(expect.objectContaining({ code: 'invalid' }))
  })

  test('a refused upgrade is answered; other paths and other protocols are left to the application', async () => {
    const { answers, port } = await mounted()
    const ask = (path: string, fields: string) => rawAnswer(port, `GET ${path} HTTP/1.1\r\nHost: x\r\n${fields}\r\n`)
    expect(await ask('/live', `${WEBSOCKET}Origin: https://evil.example\r\n`)).toMatch(/^HTTP\/1\.1 403 /)
    expect(await ask('/other', WEBSOCKET)).toMatch(/^HTTP\/1\.1 418 /)
    expect(await ask('/live', 'Connection: Upgrade\r\nUpgrade: h2c\r\n')).toMatch(/^HTTP\/1\.1 418 /)
    expect(answers).toEqual([true, false, false])
  })

  test('close() waits only for connections that were there when it began', async () => {
    const { live, port } = await mounted({ clock: createSimulatedClock() })
    const there = await rawClient(`ws://127.0.0.1:${port}/live`)
    await there.hello()
    // Neither client answers its close frame.
    there.ws.pause()
    const closing = live.close()
    const comes = connect(port, '127.0.0.1')
    onTestFinished(() => void comes.destroy())
    comes.write(`GET /live HTTP/1.1\r\nHost: x\r\n${WEBSOCKET}\r\n`)
    await until(() => live.stats().connections === 2, 'it is let in to be told')
    there.ws.terminate()
    await closing
    expect(live.stats().connections).toBe(1)
  })
})

test('on a shared HTTP server the server leaves other paths and other WebSockets alone', async () => {
  const http = createServer((_, response) => response.writeHead(204).end())
  const others = new WebSocketServer({ noServer: true })
  http.on(
    'upgrade',
    (request, socket, head) =>
      request.url === '/other' && others.handleUpgrade(request, socket, head, (ws) => ws.close(4_444)),
  )
  const server = createLiveServer({ server: http, path: '/live', authenticate: () => ({ subject: 'anybody' }) })
  onTestFinished(() => void http.close())
  expect(() => server.address()).toThrow(expect.objectContaining({ code: 'invalid' }))
  http.listen(0, '127.0.0.1')
  await server.ready
  const client = await rawClient(server.address())
  await client.hello()
  expect(await status(server.address().replace('ws:', 'http:'))).toBe(204)
  const other = await rawClient(server.address().replace('/live', '/other'), { protocols: [] })
  expect(await other.closed).toMatchObject({ code: 4_444 })
  await server.close()
  expect(await client.closed).toMatchObject({ code: 1012 })
  expect(http.listening).toBe(true)
})

test('on an HTTP server without other listeners the server answers other paths with a 404', async () => {
  const http = createServer()
  const server = createLiveServer({ server: http, path: '/live', authenticate: () => ({ subject: 'anybody' }) })
  onTestFinished(async () => {
    await server.close()
    http.close()
  })
  http.listen(0, '127.0.0.1')
  await server.ready
  await expect(rawClient(server.address().replace('/live', '/other'))).rejects.toThrow('404')
})

test('ready rejects where the port is taken', async () => {
  const server = await liveServer()
  const second = createLiveServer({
    port: Number(new URL(server.address()).port),
    host: '127.0.0.1',
    authenticate: () => ({ subject: 'anybody' }),
  })
  await expect(second.ready).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await second.close()
})

test.each(['127.0.0.1', 'localhost'])('a server at %s that is closed before it listens settles ready', async (host) => {
  const server = createLiveServer({ port: 0, host, authenticate: () => ({ subject: 'anybody' }) })
  await Promise.all([server.close(), server.ready])
  expect(() => server.address()).toThrow(expect.objectContaining({ code: 'invalid' }))
})

test('a server closed before its HTTP server listens rejects ready, without an unhandled rejection', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const http = createServer()
  const listeners = () => [http.listenerCount('error'), http.listenerCount('listening')]
  const before = listeners()
  const options = { server: http, authenticate: () => ({ subject: 'anybody' }) }
  await createLiveServer(options).close()
  const server = createLiveServer(options)
  const waiting = expect(server.ready).rejects.toMatchObject({ code: 'closed' })
  await server.close()
  await waiting
  await new Promise(setImmediate)
  expect([listeners(), unhandled]).toEqual([before, []])
})

test('where the application answers a taken port with another one, the server serves there', async () => {
  const unhandled: unknown[] = []
  const note = (error: unknown) => void unhandled.push(error)
  process.on('unhandledRejection', note)
  onTestFinished(() => void process.off('unhandledRejection', note))
  const first = await liveServer()
  const http = createServer()
  http.on('error', () => http.listen(0, '127.0.0.1'))
  const server = createLiveServer({ server: http, authenticate: () => ({ subject: 'anybody' }) })
  onTestFinished(() => void http.close())
  onTestFinished(() => server.close())
  http.listen(Number(new URL(first.address()).port), '127.0.0.1')
  await new Promise<void>((resolve) => void http.once('listening', resolve))
  await new Promise<void>((resolve) => void setImmediate(resolve))
  const client = await rawClient(server.address())
  onTestFinished(() => client.ws.terminate())
  expect(await client.hello()).toMatchObject({ type: 'welcome' })
  expect(unhandled).toEqual([])
})
