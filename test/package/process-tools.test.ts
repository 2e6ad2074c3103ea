import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { freePort } from '../kit/free-port.js'
import { rawClient, type RawClient } from '../kit/raw-client.js'

// What starts a server's process stops it as well, each in a way of its own. These are the rows of the table in
// docs/deploys.md.

const packed = inject('packed')
let folder = ''

const PROGRAM = `
import { appendFileSync } from 'node:fs'
import { createLiveServer } from 'livesocket/server'
const server = createLiveServer({ port: Number(process.env.LIVE_PORT), host: '127.0.0.1', id: String(process.pid), authenticate: () => ({ subject: 'anybody' }) })
const told = (what) => appendFileSync(process.env.LIVE_LOG, process.pid + ' ' + what + '\\n')
process.on('exit', (code) => told('ended with ' + code))
server.drainOn(process.env.LIVE_SIGNAL, { deadline: 60_000, endWhenAlone: false })
await server.ready
told('listens')
`

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'livesocket-tools-'))
  writeFileSync(
    join(folder, 'package.json'),
    JSON.stringify({ name: 'tools', private: true, type: 'module', scripts: { start: 'node server.js' } }),
  )
  npm(
    'install',
    '--no-audit',
    '--no-fund',
    '--prefer-offline',
    packed.tarball,
    'ws@8',
    'pm2@7.0.4',
    'nodemon@3.1.14',
    'concurrently@9.2.5',
    'bun@1.4.5',
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function npm(...words: string[]) {
  const { status, stderr } = spawnSync('npm', words, { cwd: folder, encoding: 'utf8' })
  if (status !== 0) throw new Error(stderr)
}

/** A command that starts the server, in a process group of its own, as a terminal has it. */
async function started(signal: string, command: string, ...words: string[]) {
  writeFileSync(join(folder, 'server.js'), PROGRAM)
  const port = await freePort()
  const log = join(mkdtempSync(join(folder, 'run-')), 'log')
  const environment = {
    ...process.env,
    LIVE_PORT: String(port),
    LIVE_LOG: log,
    LIVE_SIGNAL: signal,
    PM2_HOME: join(folder, '.pm2'),
    NODE_ENV: 'production',
  }
  const child = spawn(command, words, { cwd: folder, env: environment, detached: true, stdio: 'ignore' })
  onTestFinished(() => {
    killGroup(child, 'SIGKILL')
    for (const pid of pids()) if (isAlive(pid)) process.kill(pid, 'SIGKILL')
  })
  const lines = () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : [])
  const pids = () =>
    lines()
      .filter((line) => line.endsWith('listens'))
      .map((line) => Number(line.split(' ')[0]))
  await until(() => pids().length > 0, 'the server listens')
  const dial = async () => {
    const client = await rawClient(`ws://127.0.0.1:${port}/`)
    onTestFinished(() => client.ws.terminate())
    return { client, server: Number((await client.hello())['server']) }
  }
  return { child, environment, lines, pids, dial }
}

async function until(holds: () => boolean, what: string) {
  await expect.poll(holds, { timeout: 20_000, interval: 20, message: what }).toBe(true)
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals) {
  try {
    process.kill(-pid!, signal)
  } catch {
    // It is gone.
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The leg is asked to hand over, and served until it goes: nothing cuts it, however often the signal comes. */
async function movesInPeace(client: RawClient, lines: () => string[], pid: number) {
  await client.next('handover')
  for (let round = 0; round < 3; round++) await client.settle()
  client.close()
  await until(() => lines().includes(`${pid} ended with 0`), 'the server ends with 0 once its leg has gone')
}

describe('a server may finish its drain when it is stopped', () => {
  it('by node --watch, which sends SIGTERM when a file changes and starts the next one when it has ended', async () => {
    const { lines, pids, dial } = await started('SIGTERM', process.execPath, '--watch', 'server.js')
    const { client, server } = await dial()
    writeFileSync(join(folder, 'server.js'), `${PROGRAM}// changed\n`)
    await movesInPeace(client, lines, server)
    await until(() => pids().length === 2, 'the next one listens')
  })

  it('but not by bun --watch, which restarts it in the same process: connections are cut, and the next dial is served', async () => {
    const { lines, pids, dial } = await started(
      'SIGTERM',
      join(folder, 'node_modules/.bin/bun'),
      '--watch',
      'server.js',
    )
    const { client, server } = await dial()
    writeFileSync(join(folder, 'server.js'), `${PROGRAM}// changed\n`)
    await until(() => pids().length === 2, 'it begins anew')
    expect(pids()).toEqual([server, server])
    expect(lines()).not.toContain(`${server} ended with 0`)
    await client.closed
    await (await dial()).client.settle()
  })

  it('by node --watch at Ctrl-C, which has the terminal and node send SIGINT', async () => {
    const { child, lines, dial } = await started('SIGINT', process.execPath, '--watch', 'server.js')
    const { client, server } = await dial()
    killGroup(child, 'SIGINT')
    await movesInPeace(client, lines, server)
  })

  it('by nodemon, which sends SIGUSR2 twice', async () => {
    const { lines, pids, dial } = await started(
      'SIGUSR2',
      join(folder, 'node_modules/.bin/nodemon'),
      '--watch',
      'server.js',
      'server.js',
    )
    const { client, server } = await dial()
    writeFileSync(join(folder, 'server.js'), `${PROGRAM}// changed\n`)
    await movesInPeace(client, lines, server)
    await until(() => pids().length === 2, 'the next one listens')
  })

  it('by concurrently at Ctrl-C, which sends SIGINT once more some 100 ms after the terminal', async () => {
    const { child, lines, dial } = await started(
      'SIGINT',
      join(folder, 'node_modules/.bin/concurrently'),
      'node server.js',
    )
    const { client, server } = await dial()
    killGroup(child, 'SIGINT')
    await movesInPeace(client, lines, server)
  })

  it('by a shell that replaces itself by the server with exec', async () => {
    const { child, lines, dial } = await started('SIGTERM', 'sh', '-c', 'true && exec node server.js')
    const { client, server } = await dial()
    child.kill('SIGTERM')
    await movesInPeace(client, lines, server)
  })

  it('by pm2 reload with two workers: the new ones start first, and no client comes back to the old one', async () => {
    const pm2 = join(folder, 'node_modules/.bin/pm2')
    const run = await started(
      'SIGINT',
      pm2,
      'start',
      'server.js',
      '--name',
      'live',
      '-i',
      '2',
      '--kill-timeout',
      '30000',
    )
    onTestFinished(() => void spawnSync(pm2, ['kill'], { env: run.environment, cwd: folder }))
    await until(() => run.pids().length === 2, 'both workers listen')
    const { client, server } = await run.dial()
    const reload = spawn(pm2, ['reload', 'live'], { env: run.environment, cwd: folder, stdio: 'ignore' })
    const reloaded = new Promise((resolve) => reload.on('exit', resolve))
    await client.next('handover')
    for (let dials = 0; dials < 6; dials++) {
      const next = await run.dial()
      expect(next.server).not.toBe(server)
      next.client.close()
    }
    client.close()
    await until(() => run.lines().includes(`${server} ended with 0`), 'the worker ends with 0 once its leg has gone')
    expect(await reloaded).toBe(0)
    expect(run.pids()).toHaveLength(4)
  })
})

describe('a server never gets the signal', () => {
  it.each<[string, string, string[]]>([
    ['npm start, signalled alone', 'npm', ['start']],
    ['a shell that waits for the server', 'sh', ['-c', 'node server.js; true']],
  ])('from %s', async (_, command, words) => {
    const { child, pids, dial } = await started('SIGTERM', command, ...words)
    const { client, server } = await dial()
    const gone = new Promise((resolve) => child.on('exit', resolve))
    child.kill('SIGTERM')
    await gone
    await client.settle()
    expect(client.of('handover')).toEqual([])
    expect(pids()).toEqual([server])
    expect(isAlive(server)).toBe(true)
  })
})
