import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'redis'
import { freePort } from './free-port.js'

/** A real redis-server on a free port, whose data lives in a folder of its own. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** `kill -9`; the data on disk stays. */
  kill(): Promise<void>
  /** `kill -STOP`, and `-CONT`. */
  freeze(): void
  thaw(): void
  /**
   * On the same port, with the data that is on disk, with none of it, or with what it was at a `backup`; as a `master`
   * without what `more` says.
   */
  start(data?: 'kept' | 'lost' | Backup, as?: 'before' | 'master'): Promise<void>
  /** The data that is on disk now. */
  backup(): Promise<Backup>
  /** Any command, on a connection of its own. */
  command(...words: string[]): Promise<unknown>
  /** Gone, and all its data. */
  close(): Promise<void>
}

export interface Backup {
  readonly folder: string
}

export interface RedisServerOptions {
  /** `always`: every acknowledged write is on disk. `everysec`: soon. `no` (default): nothing is. */
  readonly persistence?: 'always' | 'everysec' | 'no'
  readonly port?: number
  /** A sentinel in place of a Redis: the file that it reads, and writes to. */
  readonly config?: string
  /** More of the command line. */
  readonly more?: readonly string[]
}

/**
 * These processes are killed, the machine never is: a disk in memory keeps as much, and no other program's writes hold
 * up an fsync.
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
    // Two of them would write into one file.
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
