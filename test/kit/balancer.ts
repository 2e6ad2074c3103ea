import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { systemClock, type Clock } from '../../src/base/clock.js'

export interface Backend {
  readonly id: string
  readonly port: number
  readonly host?: string
}

/**
 * A balancer of TCP connections, as a cloud has in front of its servers. New connections go in turn to the servers
 * whose health check answers 200. Any other answer takes a server out at once, but its open connections stay.
 */
export interface Balancer {
  readonly ready: Promise<void>
  readonly port: number
  /** Resolves when the server has passed its first health check and gets its share of new connections. */
  add(backend: Backend): Promise<void>
  /** No new connections from now on, whatever the health check says. A deploy begins with this for an old server. */
  retire(id: string): void
  /** Removes the server and breaks its remaining connections. */
  remove(id: string): void
  backends(): readonly { id: string; taking: boolean; connections: number }[]
  close(): Promise<void>
}

export interface BalancerOptions {
  /** Default 0: a free port. */
  port?: number
  /** The path of the health check over plain HTTP. Default `/healthz`. */
  healthPath?: string
  /** Milliseconds between two health checks of a server; default 50. */
  interval?: number
  clock?: Clock
}

interface Member extends Backend {
  healthy: boolean
  retired: boolean
  removed: boolean
  readonly sockets: Set<Socket>
}

export function createBalancer(options: BalancerOptions = {}): Balancer {
  const clock = options.clock ?? systemClock
  const interval = options.interval ?? 50
  const healthPath = options.healthPath ?? '/healthz'
  const members: Member[] = []
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  let turn = 0
  let closed = false

  const check = (member: Member): Promise<void> =>
    new Promise((settled) => {
      const request = get(
        { agent, host: member.host ?? '127.0.0.1', port: member.port, path: healthPath, timeout: 1_000 },
        (response) => {
          response.resume()
          member.healthy = response.statusCode === 200
          settled()
        },
      )
      request.on('timeout', () => request.destroy())
      request.on('error', () => {
        member.healthy = false
        settled()
      })
    })

  const watch = async (member: Member, passed: () => void): Promise<void> => {
    while (!member.removed && !closed) {
      await check(member)
      if (member.healthy) passed()
      await new Promise<void>((next) => clock.setTimeout(next, interval))
    }
    passed()
  }

  const choose = (): Member | undefined => {
    const taking = members.filter((member) => member.healthy && !member.retired)
    return taking[turn++ % taking.length]
  }

  const serve = (near: Socket) => {
    near.setNoDelay(true)
    near.on('error', () => {})
    const member = choose()
    if (!member) return void near.resetAndDestroy()
    const far = connect({ port: member.port, host: member.host ?? '127.0.0.1', noDelay: true })
    const end = () => {
      member.sockets.delete(near)
      // If the server resets a connection, the client also sees a reset.
      if (far.errored && !near.destroyed) near.resetAndDestroy()
      else near.destroy()
      far.destroy()
    }
    member.sockets.add(near)
    far.on('error', () => {})
    far.on('close', end)
    near.on('close', end)
    near.pipe(far)
    far.pipe(near)
  }

  const server = createServer(serve)
  server.listen(options.port ?? 0, '127.0.0.1')

  const remove = (member: Member) => {
    member.removed = true
    members.splice(members.indexOf(member), 1)
    for (const socket of [...member.sockets]) socket.resetAndDestroy()
  }

  return {
    ready: once(server, 'listening').then(() => undefined),
    get port() {
      return (server.address() as AddressInfo).port
    },
    add(backend) {
      const member: Member = { ...backend, healthy: false, retired: false, removed: false, sockets: new Set() }
      members.push(member)
      return new Promise((passed) => void watch(member, passed))
    },
    retire(id) {
      for (const member of members) if (member.id === id) member.retired = true
    },
    remove(id) {
      for (const member of members.filter((one) => one.id === id)) remove(member)
    },
    backends: () =>
      members.map((member) => ({
        id: member.id,
        taking: member.healthy && !member.retired,
        connections: member.sockets.size,
      })),
    async close() {
      closed = true
      agent.destroy()
      for (const member of [...members]) remove(member)
      if (!server.listening) return
      const gone = once(server, 'close')
      server.close()
      await gone
    },
  }
}
