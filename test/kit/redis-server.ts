import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { freePort } from './free-port.js'

/** A real redis-server on a free port, with its data in a folder of its own. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** `kill -9`. The data on disk stays. */
  kill(): Promise<void>
  /** `kill -STOP` and `kill -CONT`. */
  freeze(): void
  thaw(): void
  /**
   * Starts on the same port with the data on disk, without data, or with the data of a `backup`. As a `master`, it
   * ignores what `more` says.
   */
  start(data?: 'kept' | 'lost' | Backup, as?: 'before' | 'master'): Promise<void>
  /** The data that is on disk at this moment. */
  backup(): Promise<Backup>
  /** Runs any command, on a connection of its own. */
  command(...words: string[]): Promise<unknown>
  /** Ends the server and deletes its data. */
  close(): Promise<void>
}

export interface Backup {
  readonly folder: string
}

export interface RedisServerOptions {
  /**
   * `always`: every acknowledged write is on disk. `everysec`: within a second. `no` (default): nothing is written to
   * disk.
   */
  readonly persistence?: 'always' | 'everysec' | 'no'
  readonly port?: number
  /** Starts a sentinel instead of a Redis, with this configuration file, which it also writes to. */
  readonly config?: string
  /** Additional command line arguments. */
  readonly more?: readonly string[]
}

/**
 * Only the processes are killed, never the machine: files in memory survive as well, and other programs' writes do not
 * delay an fsync.
 */
const MEMORY = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()

export async function startRedisServer({
  persistence = 'no',
  port: wanted,
  config,
  more = [],
}: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(MEMORY, 'livesocket-redis-'))
  const port = wanted ?? (await freePort())
  const url = `redis://127.0.0.1:${port}`
  let child: ChildProcess | null = null
  const backups: Backup[] = []

  async function start(data: 'kept' | 'lost' | Backup = 'kept', as: 'before' | 'master' = 'before') {
    // Two processes would write into the same file.
    await kill()
    if (data !== 'kept') await rm(folder, { recursive: true, force: true })
    if (data === 'lost') await mkdir(folder)
    else if (data !== 'kept') await cp(data.folder, folder, { recursive: true })
    const durable =
      persistence === 'no' ? ['--appendonly', 'no'] : ['--appendonly', 'yes', '--appendfsync', persistence]
    const own = config === undefined ? ['--save', '', ...durable] : ['--sentinel']
    const started = spawn(
      'redis-server',
      [
        ...(config === undefined ? [] : [config]),
        '--port',
        `${port}`,
        '--bind',
        '127.0.0.1',
        '--dir',
        folder,
        ...own,
        ...(as === 'master' ? [] : more),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    )
    child = started
    let said = ''
    await new Promise<void>((resolve, reject) => {
      started.once('error', (error) =>
        reject(new Error('redis-server cannot be started: is it installed?', { cause: error })),
      )
      started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}: ${said}`)))
      started.stdout!.on('data', (text) => {
        said += String(text)
        if (said.includes(config === undefined ? 'Ready to accept connections' : '+monitor master')) resolve()
      })
    })
    started.removeAllListeners('exit')
  }

  async function kill() {
    const killed = child
    if (!killed || killed.exitCode !== null || killed.signalCode !== null) return
    const gone = once(killed, 'exit')
    killed.kill('SIGKILL')
    await gone
  }

  await start()
  return {
    port,
    url,
    kill,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    start,
    async backup() {
      const copy = { folder: `${folder}-${backups.length}` }
      backups.push(copy)
      await cp(folder, copy.folder, { recursive: true })
      return copy
    },
    async command(...words) {
      const client = createClient({ url, RESP: 2 })
      client.on('error', () => undefined)
      await client.connect()
      try {
        return await client.sendCommand(words)
      } finally {
        client.destroy()
      }
    },
    async close() {
      await kill()
      for (const gone of [folder, ...backups.map((backup) => backup.folder)])
        await rm(gone, { recursive: true, force: true })
    },
  }
}
