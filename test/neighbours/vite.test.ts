import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createVite, type InlineConfig } from 'vite'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveServer } from '../../src/server/index.js'
import { rawClient } from '../kit/raw-client.js'
import { rawAnswer } from '../kit/raw-answer.js'
import { liveServer } from '../server/kit.js'

async function vite(config: InlineConfig) {
  const root = mkdtempSync(join(tmpdir(), 'livesocket-vite-'))
  const server = await createVite({
    configFile: false,
    root,
    logLevel: 'silent',
    appType: 'custom',
    optimizeDeps: { noDiscovery: true },
    ...config,
  })
  onTestFinished(async () => {
    await server.close()
    rmSync(root, { recursive: true, force: true })
  })
  return server
}

test('through the proxy of Vite a page of the dev server gets in, and a page of another origin does not', async () => {
  const live = await liveServer({ path: '/live' })
  const target = live.address().replace('ws:', 'http:').replace('/live', '')
  const dev = await vite({
    server: { port: 0, host: '127.0.0.1', ws: false, proxy: { '/live': { target, ws: true } } },
  })
  await dev.listen()
  const { port } = dev.httpServer!.address() as AddressInfo
  const client = await rawClient(`ws://127.0.0.1:${port}/live`, { origin: `http://127.0.0.1:${port}` })
  await client.hello()
  client.close()
  await expect(rawClient(`ws://127.0.0.1:${port}/live`, { origin: 'https://evil.example' })).rejects.toThrow('403')
})

test.each(['first', 'second'])(
  'on one HTTP server with the own socket of Vite, mounted %s, both are served',
  async (order) => {
    const http: Server = createServer((_request, response) => response.end())
    const mount = () => {
      const live = createLiveServer({ server: http, path: '/live', authenticate: () => ({ subject: 'anybody' }) })
      onTestFinished(() => live.close())
    }
    if (order === 'first') mount()
    const dev = await vite({ server: { middlewareMode: true, hmr: { server: http } } })
    if (order === 'second') mount()
    await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void (http.closeAllConnections(), http.close()))
    const { port } = http.address() as AddressInfo
    const client = await rawClient(`ws://127.0.0.1:${port}/live`)
    await client.hello()
    const hmr = new WebSocket(`ws://127.0.0.1:${port}/?token=${dev.config.webSocketToken}`, 'vite-hmr')
    const [said] = (await once(hmr, 'message')) as [Buffer]
    expect(JSON.parse(String(said))).toMatchObject({ type: 'connected' })
    hmr.terminate()
    // Vite leaves what is not its own to others.
    const nobodys = `GET /nobodys HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`
    expect(await rawAnswer(port, nobodys)).toMatch(/^HTTP\/1\.1 404 /)
    await client.settle()
  },
)
