// A node of the fleet in C#: the server of servers/aspnetcore, with the same interface as the node in Node.
import { spawn } from 'node:child_process'
import { rmSync } from 'node:fs'
import { serveProgram } from '../program.js'
import type { NodeSetup, NodeState } from './node.js'

export interface DotnetNodeSetup extends NodeSetup {
  /** The paths of its program and of the Redis scripts. */
  readonly program: string
  readonly scripts: string
}

serveProgram<DotnetNodeSetup>((setup) => {
  const { hostname, port } = new URL(setup.redis)
  const urls = [`http://127.0.0.1:${setup.port}`]
  if (setup.path !== undefined) {
    rmSync(setup.path, { force: true })
    urls.push(`http://unix:${setup.path}`)
  }
  // The child must not outlive this process, however this process ends.
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', 'dotnet', setup.program, '--urls', urls.join(';')], {
    env: {
      ...process.env,
      ID: setup.id,
      REDIS: `${hostname}:${port}`,
      REDIS_SCRIPTS: setup.scripts,
      HEARTBEAT: `${setup.heartbeat}`,
      RECONNECT_SPREAD: `${setup.reconnectSpread}`,
      RATE: `${setup.rate}`,
      DEADLINE: `${setup.deadline}`,
      DRAIN_SECRET: setup.secret,
    },
    stdio: ['ignore', 'pipe', process.env['CLUSTER_VERBOSE'] ? 'inherit' : 'ignore'],
  })
  const listens = new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => String(text).includes('listening on') && resolve())
    child.once('error', reject)
  })
  child.once('exit', (code) => process.exit(code ?? 1))
  process.on('SIGTERM', () => child.kill('SIGTERM'))
  return {
    ready: () => listens,
    /** The cluster drive does not measure what this server costs. */
    state: (): NodeState => ({
      ...{ legs: 0, connections: 0, opened: 0, rss: 0, heap: 0, cpu: 0, reads: 0, heads: 0, appends: 0, topics: 0 },
    }),
    end: () => void child.kill('SIGTERM'),
  }
})
