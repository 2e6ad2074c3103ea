import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { freePort } from '../kit/free-port.js'

const installed = ['mosquitto', '/usr/sbin/mosquitto'].find((path) => spawnSync(path, ['-h']).stdout !== null)

export interface Mosquitto {
  /** The URL of its WebSocket listener. */
  readonly url: string
  /** The port of its plain listener. */
  readonly port: number
  readonly process: ChildProcess
  /** Everything that it has printed. */
  said(): string
}

/** A real broker on free ports, stopped after the test. `more`: further lines of its configuration. */
export async function startMosquitto({
  more = [],
  port,
}: {
  more?: readonly string[]
  port?: number
} = {}): Promise<Mosquitto> {
  const [plain, ws] = [port ?? (await freePort()), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'livesocket-mosquitto-'))
  const config = join(folder, 'mosquitto.conf')
  writeFileSync(
    config,
    [
      'per_listener_settings false',
      `listener ${plain} 127.0.0.1`,
      `listener ${ws} 127.0.0.1`,
      'protocol websockets',
      ...(more.some((line) => line.startsWith('allow_anonymous')) ? [] : ['allow_anonymous true']),
      ...more,
      '',
    ].join('\n'),
  )
  const child = spawn(installed!, ['-c', config, '-v'], { stdio: ['ignore', 'pipe', 'pipe'] })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (text += String(data)))
  onTestFinished(() => {
    child.kill('SIGKILL')
    rmSync(folder, { recursive: true, force: true })
  })
  const from = performance.now()
  while (!/running/.test(text)) {
    if (performance.now() - from > 5_000 || child.exitCode !== null) throw new Error(`mosquitto did not start: ${text}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  return { url: `ws://127.0.0.1:${ws}/`, port: plain, process: child, said: () => text }
}
