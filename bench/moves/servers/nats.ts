import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { headers, wsconnect } from '@nats-io/nats-core'
import { WebSocket } from 'ws'
import { sleep } from '../../../test/kit/wait.js'
import { nats, type NatsMessage } from '../../../src/presets/nats.js'
import { freePort } from '../../../test/kit/free-port.js'
import { atPort, type ForeignServer } from './server.js'

/**
 * `nats-server`; messages are identified by `Nats-Msg-Id`. A NATS server asks only when it is about to end, so here the
 * client hands over on its own.
 */
export async function start(): Promise<ForeignServer> {
  const [plain, port] = [await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-nats-'))
  const config = join(folder, 'nats.conf')
  writeFileSync(config, `port: ${plain}\nhost: 127.0.0.1\nwebsocket { port: ${port}, host: 127.0.0.1, no_tls: true }\n`)
  const path = `${process.env['PATH'] ?? ''}:/usr/sbin`
  const child = spawn('nats-server', ['-c', config], { stdio: 'ignore', env: { ...process.env, PATH: path } })
  child.on('error', () => {})
  await sleep(500)
  const publisher = await wsconnect({
    servers: atPort(port),
    wsFactory: async (url: string | URL) => ({ socket: new WebSocket(url) as never, encrypted: false }),
  })
  return {
    port,
    url: atPort,
    protocol: nats(),
    topic: 'ticks.>',
    numberIn: (data) => Number((data as NatsMessage).payload),
    tell(number) {
      const head = headers()
      head.set('Nats-Msg-Id', String(number))
      publisher.publish('ticks.a', String(number), { headers: head })
    },
    async close() {
      await publisher.close()
      child.kill('SIGKILL')
      await sleep(50)
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
