import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { systemClock } from '../../src/base/clock.js'
import { createLiveSocket } from '../../src/index.js'
import { createLiveServer, memoryLog, type LiveServer } from '../../src/server/index.js'
import { freePort } from '../kit/free-port.js'
import { ROOT } from '../kit/source-files.js'

const run = promisify(execFile)
const env = { ...process.env, PATH: `${process.env['PATH']}:/usr/sbin` }
const page = await readFile(join(ROOT, 'docs/deploys.md'), 'utf8')

/** The first block of that kind under that heading. */
function recipe(heading: string, kind = ''): string {
  const section = page.split(/^## /m).find((text) => text.startsWith(heading))
  const block = section && new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\``, 'm').exec(section)
  if (!block) throw new Error(`docs/deploys.md has no ${kind} recipe under ${heading}`)
  return block[1]!
}

/** The recipe, with nothing replaced but what differs from machine to machine. */
function filledIn(text: string, places: Record<string, string>): string {
  for (const [place, with_] of Object.entries(places)) {
    if (!text.includes(place)) throw new Error(`The recipe has no ${place}`)
    text = text.replaceAll(place, with_)
  }
  return text
}

async function folder() {
  const made = await mkdtemp(join(tmpdir(), 'livesocket-recipe-'))
  onTestFinished(() => rm(made, { recursive: true, force: true }))
  return made
}

async function certificate(at: string) {
  const [key, pem] = [join(at, 'live.key'), join(at, 'live.crt')]
  await run('openssl', [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
    '-subj',
    '/CN=127.0.0.1',
    '-keyout',
    key,
    '-out',
    pem,
  ])
  // HAProxy needs both in one file.
  await writeFile(join(at, 'live.pem'), (await readFile(pem, 'utf8')) + (await readFile(key, 'utf8')))
  return { key, pem, both: join(at, 'live.pem') }
}

function start(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, { stdio: 'ignore', env, detached: true })
  onTestFinished(async () => {
    // nginx has workers, which must not outlive it.
    process.kill(-child.pid!, 'SIGKILL')
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  return child
}

async function until(holds: () => boolean | Promise<boolean>, what: string) {
  const from = systemClock.monotonic()
  while (!(await holds())) {
    if (systemClock.monotonic() - from > 20_000) throw new Error(`never: ${what}`)
    await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, 10))
  }
}

const listens = (port: number) =>
  until(
    () =>
      new Promise<boolean>((resolve) => {
        const socket = connect(port, '127.0.0.1', () => (socket.destroy(), resolve(true)))
        socket.on('error', () => resolve(false))
      }),
    `something listens on ${port}`,
  )

/** Two servers on one log, and clients that connect through the proxy in front of them. */
async function fleet() {
  const log = memoryLog()
  const ports = [await freePort(), await freePort()]
  const servers: LiveServer[] = []
  const startServer = async (at: number) => {
    const server = createLiveServer({
      port: ports[at]!,
      host: '127.0.0.1',
      path: '/live',
      log,
      allowedOrigins: '*',
      authenticate: () => ({ subject: 'anybody' }),
      authorize: () => true,
    })
    await server.ready
    servers[at] = server
    onTestFinished(() => server.close())
  }
  await Promise.all([startServer(0), startServer(1)])
  let published = 0
  let stop = false
  const publish = () => {
    if (stop) return
    void servers[0]!.publish('t', ++published)
    systemClock.setTimeout(publish, 5)
  }
  onTestFinished(() => void (stop = true))

  class Trusting extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols, { rejectUnauthorized: false })
    }
  }
  const clients = (url: string) =>
    Array.from({ length: 20 }, () => {
      const received: unknown[] = []
      const away: string[] = []
      let gaps = 0
      const socket = createLiveSocket({ url, environment: { WebSocket: Trusting } })
      socket.subscribe('t', (n) => void received.push(n))
      socket.on('gap', () => void gaps++)
      socket.store.subscribe(
        ({ status, everLive }) => void (everLive && status !== 'live' && status !== 'closed' && away.push(status)),
      )
      socket.connect()
      onTestFinished(() => socket.close())
      return { socket, received, away, gaps: () => gaps }
    })
  return {
    ports,
    servers,
    startServer,
    publish,
    async join(url: string) {
      const all = clients(url)
      await until(
        () => all.every(({ socket }) => socket.position('t') !== null && socket.store.getState().status === 'live'),
        'all are live',
      )
      return all
    },
    /** Checks that nothing was lost, repeated or reordered, and that no client was ever not live. */
    async noticedNothing(all: ReturnType<typeof clients>) {
      stop = true
      await until(() => all.every(({ received }) => received.at(-1) === published), 'all have the last message')
      const everything = Array.from({ length: published }, (_, at) => at + 1)
      for (const { received, away, gaps } of all) {
        expect(received).toEqual(everything)
        expect(away).toEqual([])
        expect(gaps()).toBe(0)
      }
      expect(published).toBeGreaterThan(50)
    },
  }
}

test('the recipe for HAProxy: all clients leave a draining server, and one that is taken out by hand gets no new ones', async () => {
  const { ports, servers, startServer, publish, join: joinAll, noticedNothing } = await fleet()
  const at = await folder()
  const port = await freePort()
  const config = join(at, 'haproxy.cfg')
  const admin = join(at, 'admin.sock')
  await writeFile(
    config,
    filledIn(recipe('HAProxy'), {
      ':443': `127.0.0.1:${port}`,
      '/etc/haproxy/live.pem': (await certificate(at)).both,
      '/run/haproxy/admin.sock': admin,
      '10.0.0.1:8080': `127.0.0.1:${ports[0]}`,
      '10.0.0.2:8080': `127.0.0.1:${ports[1]}`,
    }),
  )
  // HAProxy only warns about lines that it does not handle as they read.
  const { stdout, stderr } = await run('haproxy', ['-c', '-f', config], { env })
  expect(stdout + stderr).not.toMatch(/WARNING|ALERT/)
  start('haproxy', ['-db', '-f', config])
  await listens(port)
  const say = async (line: string) => {
    const socket = connect(admin)
    socket.end(`${line}\n`)
    let answer = ''
    for await (const data of socket) answer += String(data)
    return answer
  }
  const all = await joinAll(`wss://127.0.0.1:${port}/live`)
  publish()
  expect(await servers[0]!.drain({ deadline: 20_000, rate: 50 })).toMatchObject({ forced: 0 })
  expect(servers[1]!.stats().legs).toBe(20)
  await servers[0]!.close()
  await startServer(0)
  await until(async () => /live,a,[^\n]*,UP,/.test(await say('show stat')), 'the new one is taken in')
  expect(await say('set server live/b state drain')).toBe('\n')
  const opened = servers[1]!.stats().opened
  expect(await servers[1]!.drain({ deadline: 20_000, rate: 50 })).toMatchObject({ forced: 0 })
  expect(servers[1]!.stats().opened).toBe(opened)
  expect(servers[0]!.stats().legs).toBe(20)
  await noticedNothing(all)
}, 60_000)

test('the recipe for nginx: all clients leave a server that is taken out and drained after the reload', async () => {
  const { ports, servers, publish, join: joinAll, noticedNothing } = await fleet()
  const at = await folder()
  const port = await freePort()
  const config = join(at, 'nginx.conf')
  const { key, pem } = await certificate(at)
  const written = filledIn(recipe('nginx'), {
    '443': `127.0.0.1:${port}`,
    '/etc/nginx/live.pem': pem,
    '/etc/nginx/live.key': key,
    '10.0.0.1:8080': `127.0.0.1:${ports[0]}`,
    '10.0.0.2:8080': `127.0.0.1:${ports[1]}`,
  })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    .map((kind) => `${kind}_temp_path ${at}/${kind};`)
    .join(' ')
  const write = (text: string) =>
    writeFile(
      config,
      `daemon off;\npid ${at}/nginx.pid;\nerror_log ${at}/error.log crit;\nevents {}\nhttp {\naccess_log off; ${temporary}\n${text}\n}\n`,
    )
  await write(written)
  const { stderr } = await run('nginx', ['-t', '-c', config, '-p', at, '-e', `${at}/error.log`], { env })
  expect(stderr).not.toMatch(/\[(warn|emerg)\]/)
  const master = start('nginx', ['-c', config, '-p', at, '-e', `${at}/error.log`])
  await listens(port)
  const all = await joinAll(`wss://127.0.0.1:${port}/live`)
  publish()
  await write(filledIn(written, { [`  server 127.0.0.1:${ports[0]} max_fails=1 fail_timeout=2s;\n`]: '' }))
  master.kill('SIGHUP')
  // The old workers accept connections until the new ones do.
  const opened = () => servers[0]!.stats().opened
  await until(async () => {
    const from = opened()
    for (let probes = 0; probes < 10; probes++) {
      const probe = new WebSocket(`wss://127.0.0.1:${port}/live`, ['livesocket.v1'], { rejectUnauthorized: false })
      await once(probe, 'open')
      probe.terminate()
    }
    return opened() === from
  }, 'new connections go elsewhere')
  expect(await servers[0]!.drain({ deadline: 20_000, rate: 50 })).toMatchObject({ forced: 0 })
  expect(servers[1]!.stats().legs).toBe(20)
  await noticedNothing(all)
}, 60_000)

test('the unit for systemd is valid', async () => {
  const at = await folder()
  await writeFile(join(at, 'live@.service'), filledIn(recipe('systemd', 'ini'), { '/usr/bin/node': process.execPath }))
  const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', join(at, 'live@.service')], {
    env: { ...env, SYSTEMD_UNIT_PATH: `${at}:` },
  })
  expect(stdout + stderr).toBe('')
})

test('the timeouts in the recipes fit each other', () => {
  const number = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? Number.NaN)
  const seconds = number(recipe('Many nodes', 'ts').replaceAll('_', ''), /deadline: (\d+)/) / 1_000
  expect(number(recipe('systemd', 'ini'), /TimeoutStopSec=(\d+)/)).toBe(seconds + 15)
  const kubernetes = recipe('Kubernetes', 'yaml')
  const sleep = number(kubernetes, /"sleep", "(\d+)"/)
  expect(number(kubernetes, /terminationGracePeriodSeconds: (\d+)/)).toBe(seconds + sleep + 15)
  const azure = recipe('Azure', 'sh')
  const stop = number(azure, /WEBSITES_CONTAINER_STOP_TIME_LIMIT=(\d+)/)
  expect(stop).toBeGreaterThanOrEqual(number(recipe('Azure', 'ts').replaceAll('_', ''), /deadline: (\d+)/) / 1_000 + 15)
  expect(number(azure, /--max-time (\d+)/)).toBeGreaterThanOrEqual(number(azure, /"deadline":(\d+)/) / 1_000 + 15)
  // Three heartbeats of 10 s.
  for (const [proxy, pattern] of [
    ['HAProxy', /timeout client (\d+)s/],
    ['nginx', /proxy_read_timeout (\d+)s/],
  ] as const)
    expect(number(recipe(proxy), pattern)).toBeGreaterThanOrEqual(30)
})
