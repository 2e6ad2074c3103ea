import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../src/base/clock.js'
import { freePort } from '../../test/kit/free-port.js'
import { sleep } from '../../test/kit/wait.js'
import { prefer } from './program.js'

/** The proxy in front of the nodes: a real one, configured as docs/deploys.md says. */
export interface Proxy {
  readonly url: string
  /** Sends new connections to these nodes only. Open connections stay. */
  use(nodes: readonly string[]): Promise<void>
  close(): Promise<void>
}

export interface ProxyOptions {
  /** Every node that may ever run, by name, with its address: a port of this machine or the path of a Unix socket. */
  readonly nodes: ReadonlyMap<string, number | string>
  readonly use: readonly string[]
  /** Milliseconds after which the proxy cuts an idle connection. */
  readonly idle: number
  /** Whether the proxy has priority over other processes: see `prefer`. */
  readonly preferred: boolean
  /** Milliseconds that the workers of an old nginx configuration, and their connections, survive a reload. */
  readonly shutdown: number
}

export type ProxyKind = 'nginx' | 'haproxy'

const PATH = `${process.env['PATH']}:/usr/sbin`
const READY = 10_000

export async function startProxy(kind: ProxyKind, options: ProxyOptions): Promise<Proxy> {
  const folder = await mkdtemp(join(tmpdir(), `livesocket-${kind}-`))
  const port = await freePort()
  const proxy = await (kind === 'nginx' ? startNginx : startHaproxy)(folder, port, options)
  if (options.preferred && proxy.child.pid !== undefined) prefer(proxy.child.pid)
  await listens(port)
  return {
    url: `ws://127.0.0.1:${port}/live`,
    use: proxy.use,
    async close() {
      proxy.child.kill('SIGKILL')
      if (proxy.child.exitCode === null && proxy.child.signalCode === null) await once(proxy.child, 'exit')
      await proxy.after?.()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

interface Started {
  readonly child: ChildProcess
  use(nodes: readonly string[]): Promise<void>
  after?(): Promise<void>
}

async function startHaproxy(folder: string, port: number, { nodes, use, idle }: ProxyOptions): Promise<Started> {
  const config = join(folder, 'haproxy.cfg')
  const admin = join(folder, 'admin.sock')
  await writeFile(
    config,
    `global
  stats socket ${admin} level admin
  nbthread 1
defaults
  mode http
  timeout connect 2s
  timeout check 2s
  timeout client ${idle}ms
  timeout server ${idle}ms
  timeout tunnel ${idle}ms
  # A node that vanished is not where the next attempt goes.
  retries 3
  option redispatch 1
frontend live
  bind 127.0.0.1:${port}
  default_backend nodes
backend nodes
  balance leastconn
  # Readiness fails first in a drain: no new connection comes, and those that are open are let be.
  option httpchk GET /healthz
  default-server check inter 500ms fastinter 200ms fall 3 rise 1
${[...nodes].map(([name, at]) => `  server ${name} ${address(at, 'unix@')}${use.includes(name) ? '' : ' disabled'}`).join('\n')}
`,
  )
  const child = run('haproxy', ['-db', '-f', config])
  return {
    child,
    async use(wanted) {
      // `drain`: no new connections, open ones stay. The new nodes come first, so that there is always a node that
      // takes connections.
      for (const name of wanted) await say(admin, `set server nodes/${name} state ready`)
      for (const name of nodes.keys())
        if (!wanted.includes(name)) await say(admin, `set server nodes/${name} state drain`)
    },
  }
}

async function startNginx(
  folder: string,
  port: number,
  { nodes, use, idle, shutdown }: ProxyOptions,
): Promise<Started> {
  const config = join(folder, 'nginx.conf')
  const write = (wanted: readonly string[]) =>
    writeFile(
      config,
      `daemon off;
# Who made the nodes' sockets may connect to them.
user ${userInfo().username};
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log crit;
# How long the connections of an older configuration live on after a reload: all of them, those to nodes that stay included.
worker_shutdown_timeout ${Math.ceil(shutdown / 1_000)}s;
events { worker_connections 19000; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
  upstream nodes {
    least_conn;
    ${wanted.map((name) => `server ${address(nodes.get(name)!, 'unix:')} max_fails=1 fail_timeout=2s;`).join('\n    ')}
  }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location /live {
      proxy_pass http://nodes;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection upgrade;
      proxy_set_header Host $host;
      proxy_connect_timeout 2s;
      proxy_read_timeout ${idle}ms;
      proxy_send_timeout ${idle}ms;
      proxy_next_upstream error timeout http_502 http_503;
    }
  }
}
`,
    )
  await write(use)
  const child = run('nginx', ['-c', config, '-p', folder, '-e', `${folder}/error.log`])
  return {
    child,
    async use(wanted) {
      await write(wanted)
      child.kill('SIGHUP')
      // Old workers accept connections until the new ones do.
      await sleep(500)
    },
  }
}

function address(at: number | string, unix: string): string {
  return typeof at === 'number' ? `127.0.0.1:${at}` : `${unix}${at}`
}

function run(command: string, args: readonly string[]): ChildProcess {
  const child = spawn(command, args, {
    stdio: ['ignore', 'ignore', process.env['CLUSTER_VERBOSE'] ? 'inherit' : 'ignore'],
    env: { ...process.env, PATH },
    detached: true,
  })
  child.on('error', () =>
    console.error(`${command} cannot be started: on Debian and Ubuntu, apt-get install ${command}`),
  )
  // The proxy has workers of its own, which must not outlive it.
  const end = () => {
    try {
      process.kill(-child.pid!, 'SIGKILL')
    } catch {
      // It has ended already.
    }
  }
  process.on('exit', end)
  child.once('exit', () => {
    end()
    process.off('exit', end)
  })
  return child
}

/** Sends one line to HAProxy's admin socket. */
function say(path: string, line: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = ''
    const socket = connect(path)
    socket.on('connect', () => void socket.end(`${line}\n`))
    socket.on('data', (data) => void (answer += String(data)))
    socket.on('error', reject)
    socket.on('close', () => resolve(answer.trim()))
  })
}

async function listens(port: number) {
  const from = systemClock.monotonic()
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.on('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.on('error', () => resolve(false))
    })
    if (open) return
    if (systemClock.monotonic() - from > READY)
      throw new Error(`Nothing listens on port ${port}: is the proxy installed?`)
    await sleep(20)
  }
}
