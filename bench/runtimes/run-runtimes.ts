import { spawn, spawnSync, type ChildProcessByStdio } from 'node:child_process'
import { copyFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { sendInFragments } from './fragments.js'
import type { Runtime } from './runtime.js'

/** What a client saw during a server's handovers, or of the messages that it had missed. */
export interface Seen {
  readonly seen: number
  readonly lost: number
  readonly repeated: number
  readonly reordered: number
  readonly gaps: number
  /** How often the client stopped being live. */
  readonly notLive: number
  readonly published: number
  readonly refused: number
  /** The client's own publishes that it read back. */
  readonly echoed: number
  readonly handovers: number
  readonly reconnects: number
}

export interface RuntimesOptions {
  readonly moves: number
  /** Messages a second. */
  readonly rate: number
  /** Messages of 1 kB that a client comes back for. It reads them slower than they are sent. */
  readonly kept: number
}

const PROGRAMS = join(import.meta.dirname, 'programs')
/** A run that takes longer hangs, ms. */
const LONGEST = 180_000

/** Installs an application with the package, ws and these runtimes in a folder of its own. */
export function installRuntimes(folder: string, tarball: string, runtimes: readonly Runtime[]): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'runtimes', private: true, type: 'module' }))
  const packages = [tarball, 'ws@8', ...runtimes.map((runtime) => runtime.package)]
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(stderr)
  for (const program of readdirSync(PROGRAMS)) copyFileSync(join(PROGRAMS, program), join(folder, program))
}

/** What a client saw while the server was replaced again and again. */
export function seenInMoves(folder: string, server: Runtime, client: Runtime, options: RuntimesOptions): Promise<Seen> {
  return meet(folder, server, client, { MOVES: options.moves, RATE: options.rate })
}

/** What a client saw that came back for more messages than any buffer holds, and read them slowly. */
export function seenAfterAbsence(folder: string, server: Runtime, client: Runtime, options: RuntimesOptions) {
  return meet(folder, server, client, { KEPT: options.kept })
}

/** How the runtime's own WebSocket class, used by the client, handles a refused dial, a killed server and a close. */
export interface Returned {
  readonly ownSocket: boolean
  /** The error for a dial to a port where nothing listens. */
  readonly refused: string
  /** Milliseconds: until live; from the kill until it is noticed, and until live again; the same after a close. */
  readonly live: number
  readonly noticed: number
  readonly back: number
  readonly closed: number
  readonly again: number
}

export async function seenInReturn(folder: string, client: Runtime): Promise<Returned> {
  const returning = start(folder, client, 'return.mjs', { NODE: process.execPath })
  try {
    return (await returning.next()) as Returned
  } finally {
    returning.end()
  }
}

/**
 * The report of the conformance kit on one runtime about the server half on another: a line for each rule, and the sum.
 */
export async function conformanceLines(folder: string, server: Runtime, kitOn: Runtime): Promise<string[]> {
  const running = start(folder, server, 'server.mjs', {})
  try {
    const { port } = (await running.next()) as { port: number }
    const post = (path: string) => `curl -fsS -X POST "http://127.0.0.1:${port}/${path}"`
    const kit = start(
      folder,
      kitOn,
      'node_modules/livesocket/dist/cli/main.js',
      { LIVESOCKET_TOKEN: 'right' },
      'conformance',
      `ws://127.0.0.1:${port}/`,
      '--drain',
      post('drain?deadline=$LIVESOCKET_DEADLINE'),
      '--rate',
      '100',
      '--lose',
      post('lose'),
      '--hidden',
      '"hidden"',
    )
    const lines: string[] = []
    for (let line = await kit.text(); line !== null; line = await kit.text()) lines.push(line)
    return lines.length > 0 ? lines : kit.said
  } finally {
    running.end()
  }
}

/** What a server on that runtime does with a message in many fragments, and with one that is too large. */
export async function seenInFragments(folder: string, server: Runtime, fragments: number) {
  const running = start(folder, server, 'server.mjs', {})
  try {
    const { port } = (await running.next()) as { port: number }
    const memory = async () => Number(await (await fetch(`http://127.0.0.1:${port}/`)).text())
    const before = await memory()
    const many = await sendInFragments(port, { fragments, bytes: 0 })
    const grown = (await memory()) - before
    const tooLarge = await sendInFragments(port, { fragments: 100, bytes: 10_000 })
    return { many, tooLarge, grown }
  } finally {
    running.end()
  }
}

async function meet(folder: string, server: Runtime, client: Runtime, words: Record<string, number>): Promise<Seen> {
  const serving = start(folder, server, 'server.mjs', words)
  try {
    const { port } = (await serving.next()) as { port: number }
    const reading = start(folder, client, 'client.mjs', { ...words, PORT: port })
    try {
      return (await reading.next()) as Seen
    } finally {
      reading.end()
    }
  } finally {
    serving.end()
  }
}

function start(
  folder: string,
  { name, command }: Runtime,
  script: string,
  words: Record<string, string | number>,
  ...more: string[]
) {
  const [program, ...before] = command
  const child: ChildProcessByStdio<null, Readable, Readable> = spawn(program!, [...before, script, ...more], {
    cwd: folder,
    env: { ...process.env, ...Object.fromEntries(Object.entries(words).map(([key, value]) => [key, String(value)])) },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: LONGEST,
    killSignal: 'SIGKILL',
  })
  const said: string[] = []
  child.stderr.on('data', (text) => void said.push(String(text)))
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const text = async () => {
    const { done, value } = await lines.next()
    return done ? null : value
  }
  return {
    said,
    text,
    /** The next line, parsed as JSON. */
    async next(): Promise<unknown> {
      const line = await text()
      if (line === null) throw new Error(`${name} ended before ${script} printed a line:\n${said.join('')}`)
      return JSON.parse(line)
    },
    end: () => void child.kill('SIGKILL'),
  }
}
