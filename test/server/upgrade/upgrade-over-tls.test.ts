import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveServer } from '../../../src/server/index.js'
import { selfSigned } from '../../kit/certificate.js'

async function overTls() {
  const tls = await selfSigned()
  const http = createServer(tls, (request, response) => {
    if (request.method !== 'POST') return void response.end('hello')
    request.pipe(response)
  })
  const live = createLiveServer({ server: http, path: '/live', authenticate: () => ({ subject: 'anybody' }) })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const { port } = http.address() as AddressInfo
  onTestFinished(async () => {
    await live.close()
    http.closeAllConnections()
    http.close()
  })
  return { port, ca: tls.cert }
}

/** Sends that over TLS; resolves with everything that came up to `until`. */
async function answer({ port, ca }: Awaited<ReturnType<typeof overTls>>, request: string, until: string) {
  const socket = connect({ port, host: '127.0.0.1', servername: 'localhost', ca })
  let text = ''
  socket.on('data', (data) => {
    text += String(data)
    if (text.includes(until)) socket.destroy()
  })
  socket.write(request)
  await once(socket, 'close')
  return text
}

const asksForHttp2 = (method: string, path: string, more = '') =>
  `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n${more}\r\n`

test('over TLS a request that asks for HTTP/2 gets the whole answer of the application over HTTP/1.1', async () => {
  const server = await overTls()
  expect(await answer(server, asksForHttp2('GET', '/hello'), 'hello')).toMatch(/^HTTP\/1\.1 200 [^]*hello/)
  const body = 'x'.repeat(100_000)
  const post = `${asksForHttp2('POST', '/echo', `Content-Length: ${body.length + 3}\r\n`)}${body}end`
  const echoed = await answer(server, post, 'end')
  expect(echoed).toMatch(/^HTTP\/1\.1 200 /)
  expect(echoed.match(/x/g)!.length).toBe(body.length)
})

test('over TLS a WebSocket works beside such requests', async () => {
  const { port, ca } = await overTls()
  const socket = new WebSocket(`wss://localhost:${port}/live`, 'livesocket.v1', { ca })
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'hello', session: 'one', leg: 1, topics: {} }))
  const [frame] = (await once(socket, 'message')) as [Buffer]
  expect(JSON.parse(String(frame))).toMatchObject({ type: 'welcome' })
  socket.terminate()
})
