import type { Clock } from '../base/clock.js'
import type { SimulatedServer } from './simulated-server.js'
import type { Incoming } from './simulated-socket.js'

/** The load balancer in front of the simulated servers. */
export interface SimulatedBalancer {
  /** Every dial that has arrived, and the server to which it was sent. */
  readonly dials: { at: number; url: string; server: string | null }[]
  knock(incoming: Incoming): void
  /** Sends that many further dials to this server, whatever its state: the balancer learns of changes late. */
  sendStale(server: SimulatedServer | undefined, dials: number): void
}

export function createSimulatedBalancer(
  clock: Clock,
  origin: string,
  servers: readonly SimulatedServer[],
): SimulatedBalancer {
  const dials: SimulatedBalancer['dials'] = []
  let turns = 0
  let stale: { server: SimulatedServer; dials: number } | null = null

  function route(url: URL): SimulatedServer | undefined {
    if (url.origin !== new URL(origin).origin) return undefined
    const named = url.searchParams.get('server')
    if (named !== null) return servers.find((server) => server.id === named)
    if (stale && stale.dials > 0) {
      stale.dials--
      return stale.server
    }
    const taking = servers.filter((server) => server.taking)
    return taking[turns++ % taking.length]
  }

  return {
    dials,
    knock(incoming) {
      const server = route(incoming.url)
      dials.push({ at: clock.monotonic(), url: incoming.url.href, server: server?.id ?? null })
      if (server) server.knock(incoming)
      else incoming.refuse()
    },
    sendStale(server, count) {
      stale = server ? { server, dials: count } : null
    },
  }
}
