import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest'
import { rawClient } from '../kit/raw-client.js'

/** Too large for this repository's own dependencies. */
const PACKAGES = ['next@16.4.6', 'react@19.3.1', 'react-dom@19.3.1', 'ws@8.23.0']

const SERVER = `
import { createServer } from 'node:http'
import next from 'next'
import { createLiveServer } from 'livesocket/server'

const app = next({ dev: true, dir: import.meta.dirname })
const handle = app.getRequestHandler()
const http = createServer((request, response) => handle(request, response))
const mount = () => createLiveServer({ server: http, path: '/live', authenticate: () => ({ subject: 'anybody' }) })

const [order] = process.argv.slice(2)
if (order === 'first') mount()
await app.prepare()
http.listen(0, '127.0.0.1', async () => {
  const { port } = http.address()
  // Next listens to upgrades from its first request on.
  await (await fetch(\`http://127.0.0.1:\${port}/api/hello\`)).text()
  if (order === 'second') mount()
  console.log(\`listening on \${port}\`)
})
`

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'livesocket-next-'))
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'beside-next', private: true, type: 'module' }))
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', inject('packed').tarball, ...PACKAGES],
    { cwd: folder, encoding: 'utf8' },
  )
  if (status !== 0) throw new Error(stderr)
  mkdirSync(join(folder, 'pages/api'), { recursive: true })
  writeFileSync(
    join(folder, 'pages/api/hello.js'),
    `export default function handler(request, response) { response.end('hello') }`,
  )
  writeFileSync(join(folder, 'server.js'), SERVER)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

async function application(order: string): Promise<number> {
  const child = spawn(process.execPath, ['server.js', order], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
    env: { ...process.env, NODE_ENV: 'development', NEXT_TELEMETRY_DISABLED: '1' },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  for await (const line of createInterface(child.stdout)) {
    const port = /listening on (\d+)/.exec(line)?.[1]
    if (port) {
      child.stdout.resume()
      return Number(port)
    }
  }
  throw new Error('Next never listened')
}

async function upgrade(port: number, path: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let text = ''
  socket.on('data', (data) => {
    text += data.toString('latin1')
    if (text.includes('\r\n\r\n')) socket.destroy()
  })
  socket.on('error', () => undefined)
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: localhost:${port}\r\nOrigin: http://localhost:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n`,
  )
  await once(socket, 'close')
  return text.split('\r\n')[0]!
}

describe.each(['first', 'second'])('beside Next, mounted %s', (order) => {
  test('both get their WebSockets and Next gets its requests, and an upgrade for neither is answered', async () => {
    const port = await application(order)
    expect(await (await fetch(`http://127.0.0.1:${port}/api/hello`)).text()).toBe('hello')
    const client = await rawClient(`ws://127.0.0.1:${port}/live`)
    await client.hello()
    expect(await upgrade(port, '/_next/hmr')).toBe('HTTP/1.1 101 Switching Protocols')
    expect(await upgrade(port, '/nobodys')).toBe('HTTP/1.1 404 Not Found')
    await client.settle()
    client.close()
  })
})
