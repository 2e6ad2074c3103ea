import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRelay, type Relay } from './relay.js'
import { selfSigned } from './certificate.js'
import { freePort } from './free-port.js'

/** HAProxy with TLS in front of pages and live servers, under two host names. */
export interface TlsFront {
  /** The relay that pages and sockets go through. */
  readonly relay: Relay
  /** The origin of the pages at the proxy, and the URL of their sockets. */
  readonly origin: string
  readonly url: string
  /** The URL with the second host name. */
  readonly second: string
  close(): Promise<void>
}

export interface TlsFrontOptions {
  /** Ports on this machine. */
  readonly pages: number
  readonly servers: number
  /**
   * `http2`: HAProxy's defaults, with sockets inside an HTTP/2 connection. `separate`: HTTP/2 with
   * `h2-workaround-bogus-websocket-clients`. `http1`: no HTTP/2.
   */
  readonly speaks: 'http2' | 'separate' | 'http1'
}

export async function startTlsFront({ pages, servers, speaks }: TlsFrontOptions): Promise<TlsFront> {
  const folder = await mkdtemp(join(tmpdir(), 'livesocket-front-'))
  const [config, pem, port] = [join(folder, 'haproxy.cfg'), join(folder, 'front.pem'), await freePort()]
  const { key, cert } = await selfSigned()
  await writeFile(pem, key + cert)
  await writeFile(
    config,
    `global
  nbthread 1
  ${speaks === 'separate' ? 'h2-workaround-bogus-websocket-clients' : ''}
defaults
  mode http
  timeout connect 2s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
frontend front
  bind 127.0.0.1:${port} ssl crt ${pem} alpn ${speaks === 'http1' ? 'http/1.1' : 'h2,http/1.1'}
  use_backend sockets if { path / }
  default_backend pages
backend sockets
  server sockets 127.0.0.1:${servers}
backend pages
  server pages 127.0.0.1:${pages}
`,
  )
  const child = spawn('haproxy', ['-db', '-f', config], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` },
  })
  const kill = () => void child.kill('SIGKILL')
  process.once('exit', kill)
  await listens(port)
  const relay = createRelay({ target: { port } })
  await relay.ready
  return {
    relay,
    origin: `https://localhost:${relay.port}`,
    url: `wss://localhost:${relay.port}/`,
    second: `wss://second.localhost:${relay.port}/`,
    async close() {
      process.off('exit', kill)
      kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      await relay.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

async function listens(port: number) {
  for (let left = 500; left > 0; left--) {
    const socket = connect(port, '127.0.0.1')
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  throw new Error('HAProxy does not listen: is it installed?')
}
