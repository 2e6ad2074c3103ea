import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, it, onTestFinished } from 'vitest'
import { ROOT } from '../kit/source-files.js'

/** Sends the text, as a stranger may, and waits for the end of the connection. */
async function say(port: number, text: string, half = false): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.on('error', () => undefined)
  socket.on('data', (data) => (heard += String(data)))
  await once(socket, 'connect')
  socket.write(text, 'latin1')
  if (half) setImmediate(() => socket.resetAndDestroy())
  await once(socket, 'close')
  return heard
}

it('the example’s server keeps running after malformed requests: an invalid URL, half a request, a cookie with other characters', async () => {
  const child = spawn(process.execPath, ['--import', 'tsx', join(ROOT, 'examples/chat/server/main.ts')], {
    cwd: ROOT,
    env: { ...process.env, PORT: '0', REDIS_URL: '' },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string]
  const port = Number(new URL(line.replace('listening on ', '')).port)
  const head = `Host: 127.0.0.1:${port}\r\nConnection: close\r\n`
  await say(port, `GET // HTTP/1.1\r\n${head}\r\n`)
  await say(port, `POST /login HTTP/1.1\r\n${head}Content-Length: 100\r\n\r\nAd`, true)
  const odd = `login=QQ.9999999999999.${'é'.repeat(43)}`
  expect(await say(port, `POST /token HTTP/1.1\r\n${head}Cookie: ${odd}\r\n\r\n`)).toMatch(/^HTTP\/1.1 401/)
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  expect(child.exitCode).toBeNull()
})
