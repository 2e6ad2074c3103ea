import { SUBPROTOCOL } from '../protocol/frames.js'
import type { Behaviour, Cluster } from './simulated-cluster.js'
import { createSimulatedLeg, type SimulatedLeg } from './simulated-leg.js'
import type { Incoming } from './simulated-socket.js'

/** How a server is drained. Durations are milliseconds. */
export interface DrainOptions {
  /** Milliseconds after which remaining legs are closed. Default 10,000. */
  deadline?: number
  /** Milliseconds over which clients wait at random before they dial. Default 0. */
  spread?: number
  /** How many legs are asked per second. Default: all at once. */
  rate?: number
  /** The reason in the request to hand over. Default `deploy`. */
  reason?: string
  /** The URL to which clients hand over. Default: the one that they dialled. */
  url?: string
}

/** One server process. A test sets its faults as properties: `server.door = 'busy'`. */
export interface SimulatedServer extends Behaviour {
  readonly id: string
  /** The address of this very server, whatever the balancer does. */
  readonly url: string
  readonly state: 'up' | 'draining' | 'down'
  /** The number of legs that it has welcomed and that are still open. */
  readonly legs: number
  /** Whether the balancer sends dials to this server. */
  taking: boolean
  /**
   * Asks every leg to hand over, and accepts no new ones. The server is down when the last leg is gone or the deadline
   * has passed.
   */
  drain(options?: DrainOptions): void
  /** Asks every leg to hand over, and goes on accepting new ones. Legs that remain at the deadline are closed. */
  unload(options?: DrainOptions): void
  /** Cancels the request to hand over. */
  cancel(): void
  /** The process dies: connections are reset, and clients see 1006. */
  crash(): void
  /** Comes up again after a crash or a drain. */
  restart(): void
  /** A dial arrives at this server. */
  knock(incoming: Incoming): void
}

/**
 * Milliseconds that a session without a leg stays present: `GRACE` after its last leg ended, `LEASE` if the server
 * died.
 */
const GRACE = 5_000
const LEASE = 15_000

export function createSimulatedServer(cluster: Cluster, id: string, url: string): SimulatedServer {
  const { clock } = cluster
  const legs = new Set<SimulatedLeg>()
  const asked = new Map<SimulatedLeg, string>()
  let state: SimulatedServer['state'] = 'up'
  const cancels: (() => void)[] = []
  let handovers = 0

  const stopAsking = () => {
    for (const cancel of cancels.splice(0)) cancel()
  }
  const stop = () => {
    stopAsking()
    state = 'down'
    server.taking = false
  }
  function goneIsDone() {
    if (state === 'draining' && legs.size === 0) stop()
  }

  function unload({ deadline = 10_000, spread = 0, rate = Infinity, reason = 'deploy', url: to }: DrainOptions = {}) {
    stopAsking()
    const welcomed = [...legs].filter((leg) => leg.welcomed)
    const ask = (leg: SimulatedLeg, left: number) => {
      const handover = `${id}-handover-${++handovers}`
      asked.set(leg, handover)
      leg.send({
        type: 'handover',
        id: handover,
        reason,
        deadline: left,
        ...(spread > 0 ? { spread } : {}),
        ...(to === undefined ? {} : { url: to }),
      })
    }
    welcomed.forEach((leg, place) => {
      const wait = Math.min(deadline, Math.round((place * 1_000) / rate))
      if (wait === 0) ask(leg, deadline)
      else cancels.push(clock.setTimeout(() => legs.has(leg) && ask(leg, deadline - wait), wait))
    })
    cancels.push(
      clock.setTimeout(() => {
        for (const leg of state === 'draining' ? [...legs] : welcomed) leg.close(1012, reason)
        goneIsDone()
      }, deadline),
    )
  }

  const server: SimulatedServer = {
    id,
    url,
    door: 'open',
    acks: true,
    replayInterval: 0,
    taking: true,
    get state() {
      return state
    },
    get legs() {
      return [...legs].filter((leg) => leg.welcomed).length
    },
    drain(options) {
      if (state === 'down') return
      state = 'draining'
      server.taking = false
      for (const leg of [...legs]) if (!leg.welcomed) leg.refuse('draining', 1012, 'this server is going away')
      unload(options)
      goneIsDone()
    },
    unload,
    cancel() {
      stopAsking()
      for (const [leg, handover] of asked) leg.send({ type: 'handover-cancelled', id: handover })
      asked.clear()
      if (state !== 'draining') return
      state = 'up'
      server.taking = true
    },
    crash() {
      stop()
      for (const leg of [...legs]) leg.reset()
    },
    restart() {
      if (state !== 'down') return
      state = 'up'
      server.taking = true
    },
    knock(incoming) {
      if (state === 'down' || server.door === 'refuses' || !incoming.protocols.includes(SUBPROTOCOL))
        return incoming.refuse()
      if (server.door === 'hangs') return
      const end = incoming.accept(SUBPROTOCOL, {
        received: (text) => leg.received(text),
        closed: () => leg.closed(),
      })
      const leg = createSimulatedLeg(
        cluster,
        {
          id,
          behaviour: server,
          get draining() {
            return state === 'draining'
          },
        },
        end,
        (welcomed) => {
          legs.delete(leg)
          asked.delete(leg)
          // A server that has died announces nothing about its sessions: they stay until their lease ends.
          if (welcomed) cluster.presence.left(leg.session, state === 'down' ? LEASE : GRACE)
          goneIsDone()
        },
      )
      legs.add(leg)
    },
  }
  return server
}
