import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { isAbsolute, join } from 'node:path'
import { build } from 'vite'
import { WebSocket } from 'ws'
import type { Kind } from './strangers-kinds.js'

export interface FloodOptions {
  readonly kind: Kind
  /** How many connections the strangers make in all, and how many they hold at a time. */
  readonly connections: number
  readonly atOnce: number
  /** From how many addresses they come. */
  readonly addresses: number
  /** The longest that the flood lasts, ms. */
  readonly lasts: number
  /** Milliseconds between the dials of honest clients. Each of them leaves once it is welcomed. */
  readonly honestEvery: number
  /** Whether the live server has a port of its own, or uses an HTTP server of the application. */
  readonly own: boolean
}

export interface FloodResult {
  readonly alive: boolean
  /** Milliseconds from dial to welcome of the honest clients that were welcomed, sorted. */
  readonly live: readonly number[]
  /** Why the other honest clients were not welcomed. */
  readonly missed: readonly string[]
  readonly dialled: number
  /** Memory of the process in bytes: before the flood, at its peak, and after all connections ended. */
  readonly rss: { readonly before: number; readonly peak: number; readonly after: number }
  /**
   * The share of one core that the server had during the flood. If it is small, the times describe the machine rather
   * than the server.
   */
  readonly cpu: number
  /** Connections that were still open 3 s after all strangers had left. */
  readonly left: number
  readonly events: Readonly<Record<string, number>>
}

interface Look {
  readonly rss: number
  readonly peak: number
  readonly cpu: number
  readonly stats: { readonly connections: number }
  readonly events: Record<string, number>
}

const HONEST_PATIENCE = 5_000
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/**
 * Builds server and strangers as the package is built: compiling TypeScript at run time would count as the server's
 * memory. Resolves with their folder.
 */
async function programs(): Promise<string> {
  // Inside the project, so that imports find its packages.
  const cache = join(import.meta.dirname, '../../node_modules/.cache')
  await mkdir(cache, { recursive: true })
  const outDir = await mkdtemp(join(cache, 'livesocket-flood-'))
  const entry = Object.fromEntries(
    ['server', 'strangers'].map((name) => [name, join(import.meta.dirname, `${name}.ts`)]),
  )
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      emptyOutDir: false,
      target: 'es2022',
      minify: false,
      lib: { entry, formats: ['es'], fileName: (_format, name) => `${name}.mjs` },
      rolldownOptions: { external: (id) => !id.startsWith('.') && !id.startsWith('\0') && !isAbsolute(id) },
    },
  })
  return outDir
}

/** Floods a server with strangers while honest clients dial it. */
export async function flood(options: FloodOptions): Promise<FloodResult> {
  const folder = await programs()
  const program = (name: string, ...args: string[]) => fork(join(folder, `${name}.mjs`), args)
  const server = program('server', ...(options.own ? ['--own'] : []))
  let strangers: ChildProcess | undefined
  try {
    const [{ url }] = (await once(server, 'message')) as [{ url: string }]
    for (let at = 0; at < 20; at++) await honest(url)
    const before = await ask<Look>(server, 'forget')
    const { kind, connections, addresses, atOnce } = options
    strangers = program('strangers', new URL(url).port, kind, ...[connections, addresses, atOnce].map(String))
    const asked = strangers
    const from = performance.now()
    const dials: Promise<number | string>[] = []
    let dialled = 0
    while (dialled < connections && performance.now() - from < options.lasts) {
      dials.push(honest(url))
      await pause(options.honestEvery)
      dialled = (await ask<{ dialled: number }>(asked, 'look')).dialled
    }
    const answers = await Promise.all(dials)
    const alive = server.exitCode === null
    const { peak, cpu } = alive ? await ask<Look>(server, 'look') : before
    const took = performance.now() - from
    strangers.kill('SIGKILL')
    await pause(3_000)
    const after = alive ? await ask<Look>(server, 'look') : before
    return {
      alive: alive && server.exitCode === null,
      live: answers.filter((answer) => typeof answer === 'number').sort((a, b) => a - b),
      missed: answers.filter((answer) => typeof answer === 'string'),
      dialled,
      rss: { before: before.rss, peak, after: after.rss },
      cpu: (cpu - before.cpu) / 1_000 / took,
      left: after.stats.connections,
      events: after.events,
    }
  } finally {
    strangers?.kill('SIGKILL')
    server.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

function ask<Answer>(child: ChildProcess, what: string): Promise<Answer> {
  child.send(what)
  return once(child, 'message').then(([answer]) => answer as Answer)
}

let sessions = 0

/** Dials once. Resolves with the milliseconds until the welcome, or with what came instead. */
function honest(url: string): Promise<number | string> {
  const from = performance.now()
  const ws = new WebSocket(url, 'livesocket.v1', { perMessageDeflate: false })
  return new Promise((resolve) => {
    const settle = (answer: number | string) => {
      clearTimeout(timer)
      ws.terminate()
      resolve(answer)
    }
    const timer = setTimeout(() => settle('nothing in time'), HONEST_PATIENCE)
    ws.on('open', () =>
      ws.send(
        JSON.stringify({ type: 'hello', session: `honest-${++sessions}`, leg: 1, token: 'good', topics: { t: {} } }),
      ),
    )
    ws.on('message', (data) => {
      const { type, code } = JSON.parse(String(data)) as { type: string; code?: string }
      settle(type === 'welcome' ? performance.now() - from : `${type} ${code}`)
    })
    ws.on('error', (error) => settle(error.message))
    ws.on('close', (code) => settle(`closed ${code}`))
  })
}
