import { createServer, get } from 'node:http'
import { WebSocketServer } from 'ws'
import { describe, expect, onTestFinished, test } from 'vitest'
import { originCheck } from '../../src/server/origin.js'
import { rawClient } from '../kit/raw-client.js'
import { createLiveServer } from '../../src/server/index.js'
import { liveServer } from './kit.js'

const status = (url: string) => new Promise<number>((resolve, reject) => void get(url, (response) => (response.resume(), resolve(response.statusCode!))).on('error', reject))

describe('whose pages may connect', () => {
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
    ['no origin but a URL', undefined, 'http://app.example:8080/page', false],
    ['nonsense', undefined, '://', false],
    ['a listed page', ['https://a.example'], 'https://a.example', true],
    ['a page of the host itself that is not listed', ['https://a.example'], 'http://app.example:8080', false],
    ['a subdomain of a listed one', ['https://a.example'], 'https://b.a.example', false],
    ['another scheme of a listed one', ['https://a.example'], 'http://a.example', false],
    ['a sandboxed page where that is listed', ['null'], 'null', true],
    ['any page where all may', '*', 'https://evil.example', true],
    ['no page where none may', [], undefined, true],
  ])('%s', (_, allowed, origin, passes) => {
    expect(originCheck(allowed)(origin, host)).toBe(passes)
  })

  test.each([['https://example.com', 'example.com'], ['http://example.com', 'example.com:80'], ['http://[::1]:9', '[::1]:9'], ['http://EXAMPLE.com'.toLowerCase(), 'EXAMPLE.com']])(
    '%s is the page of the host %s',
    (origin, named) => expect(originCheck(undefined)(origin, named)).toBe(true),
  )

  test.each(['http://app.example.evil.example', 'http://notapp.example', 'http://app.example:81', 'http://app.exampl'])('%s is not the page of the host app.example', (origin) => {
    expect(originCheck(undefined)(origin, 'app.example')).toBe(false)
  })

  test('others are refused before they are a WebSocket', async () => {
    const server = await liveServer()
    await expect(server.client({ origin: 'https://evil.example' })).rejects.toThrow('403')
    await (await server.client({ origin: server.address().replace('ws:', 'http:').replace(/\/$/, '') })).hello()
    expect(server.stats().opened).toBe(1)
  })
})

describe('what is refused before it is a WebSocket', () => {
  test.each([
    ['no subprotocol', []],
    ['another subprotocol', ['chat', 'livesocket.v2']],
    ['a long list of them', [...Array.from({ length: 200 }, (_, at) => `protocol-${at}`), 'livesocket.v1']],
  ])('%s', async (_, protocols) => {
    const server = await liveServer()
    await expect(server.client({ protocols })).rejects.toThrow('400')
  })

  test('the subprotocol is the one selected among others', async () => {
    const server = await liveServer()
    const client = await server.client({ protocols: ['chat', 'livesocket.v1'] })
    expect(client.ws.protocol).toBe('livesocket.v1')
  })

  test('another path, whatever comes after a question mark', async () => {
    const server = await liveServer({ path: '/live' })
    expect(server.address()).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\/live$/)
    const base = server.address().replace('/live', '')
    for (const path of ['/', '/live/', '/liv', '/x?/live']) await expect(rawClient(base + path)).rejects.toThrow('404')
    const client = await rawClient(`${base}/live?room=1`)
    await client.hello()
    client.close()
  })
})

test('its own HTTP server tells whether it is ready, and nothing else', async () => {
  const server = await liveServer({ path: '/live' })
  const base = server.address().replace('ws:', 'http:').replace('/live', '')
  expect(await status(`${base}/healthz`)).toBe(200)
  expect(await status(`${base}/live`)).toBe(426)
  expect(await status(`${base}/`)).toBe(404)
})

test('on a shared HTTP server it leaves other paths and other WebSockets alone', async () => {
  const http = createServer((_, response) => response.writeHead(204).end())
  const others = new WebSocketServer({ noServer: true })
  http.on('upgrade', (request, socket, head) => request.url === '/other' && others.handleUpgrade(request, socket, head, (ws) => ws.close(4_444)))
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

test('alone on a shared HTTP server it answers for other paths', async () => {
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

test('a port that is taken is told by ready', async () => {
  const server = await liveServer()
  const second = createLiveServer({ port: Number(new URL(server.address()).port), host: '127.0.0.1', authenticate: () => ({ subject: 'anybody' }) })
  await expect(second.ready).rejects.toMatchObject({ code: 'EADDRINUSE' })
  await second.close()
})
