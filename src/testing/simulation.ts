import { systemClock, type Random } from '../base/clock.js'
import { observe, type Observable, type Observation } from './observation.js'
import { seededRandom } from './seeded-random.js'
import { createSimulatedBalancer } from './simulated-balancer.js'
import { createSimulatedClock, type SimulatedClock } from './simulated-clock.js'
import { createSimulatedDevice, type SimulatedDevice } from './simulated-device.js'
import type { ClusterSettings } from './cluster-settings.js'
import type { Behaviour, Cluster } from './simulated-cluster.js'
import { createSimulatedLog, type LoggedMessage, type SimulatedLog } from './simulated-log.js'
import { createSimulatedPresence } from './simulated-presence.js'
import { createSimulatedServer, type DrainOptions, type SimulatedServer } from './simulated-server.js'
import { createSimulatedTokens, type SimulatedTokens } from './simulated-tokens.js'

/** The options of a simulation. Durations are milliseconds. */
export interface SimulationOptions extends ClusterSettings {
  /** Two simulations with the same seed behave the same. Default 1. */
  seed?: number
  /** How many servers are up at a time. Default 1. */
  servers?: number
  /** Milliseconds that a frame takes in each direction. Default 10. */
  latency?: number
  /** Whether servers can resume from a position. Default true. */
  history?: boolean
}

/** How a simulated deploy goes. Durations are milliseconds. */
export interface DeployOptions extends Omit<DrainOptions, 'url'> {
  /** What the new servers do with a dial. Default `open`. */
  door?: Behaviour['door']
  /** How many dials still reach an old server, because the balancer learns late. Default 0. */
  staleDials?: number
  /**
   * `direct`: the request names the new server's own address. Any other text is sent as the address. Default: no
   * address.
   */
  url?: 'direct' | (string & {})
}

/** A deploy that is under way in a simulation. */
export interface Deploy {
  readonly from: readonly SimulatedServer[]
  readonly to: readonly SimulatedServer[]
  /**
   * The old servers stay after all and accept dials again; the new ones get none. Does nothing once all old servers are
   * down.
   */
  cancel(): void
}

/** One frame on a connection, as the server saw it. `at` is in milliseconds since the start of the simulated clock. */
export interface WireRecord {
  readonly at: number
  readonly server: string
  readonly by: 'client' | 'server'
  readonly session: string
  readonly leg: number
  readonly text: string
}

/**
 * A world for one live socket or many: servers, a token service, devices and networks. They share one clock, which the
 * test advances, and one seed. `offline`, `freeze`, `sleep` and the like act on the simulation's own device; `device()`
 * makes others.
 */
export interface Simulation extends SimulatedDevice {
  /** The URL for `createLiveSocket`: any server that is up answers there. */
  readonly url: string
  readonly clock: SimulatedClock
  /** Random numbers for the test itself; the live socket and the servers draw from others. */
  readonly random: Random
  readonly log: SimulatedLog
  readonly tokens: SimulatedTokens
  /** Every server so far, including those that are down. */
  readonly servers: readonly SimulatedServer[]
  /** Advances time; see `SimulatedClock.advance`. */
  advance(ms: number): Promise<void>
  /**
   * Makes the simulation follow real time, `speed` times as fast (default 1), for stories. Returns a function that
   * stops it.
   */
  play(speed?: number): () => void
  /** Publishes as another client. */
  publish(topic: string, data: unknown): LoggedMessage
  /**
   * Publishes as another client every `interval` ms; `make` is called with 1, 2, 3, …. Returns a function that stops
   * it.
   */
  publishEvery(interval: number, topic: string, make?: (count: number) => unknown): () => void
  /** Replaces the servers that are up by new ones, and drains them. */
  deploy(options?: DeployOptions): Deploy
  /** The servers that are up ask their legs to hand over, and stay up, as in rebalancing. */
  rebalance(options?: Omit<DeployOptions, 'door'>): void
  /** Every server that is not down dies at once. Clients see 1006, and dials are refused until `restart`. */
  crash(): void
  /** The servers that `crash` ended come up again. */
  restart(): void
  /** What every server that is up, and every later one, does with a dial from now on. `accept` undoes it. */
  refuse(how: Exclude<Behaviour['door'], 'open'>, retryAfter?: number): void
  accept(): void
  /** The servers forget which publishes they have applied. */
  forgetPublishes(): void
  /** One more machine with a browser. */
  device(): SimulatedDevice
  /** Subscribes, and checks whether everything published arrives once and in order. */
  observe(socket: Observable, topic: string): Observation
  /** Everything published so far; at least the last 100,000 messages. */
  readonly published: readonly LoggedMessage[]
  /** Every dial that reached the balancer. */
  readonly dials: readonly { readonly at: number; readonly url: string; readonly server: string | null }[]
  /** At least the last 10,000 frames of all legs, tokens included. */
  readonly wire: readonly WireRecord[]
}

const ORIGIN = 'wss://live.test'
const RECORDS = 10_000

/** Independent random streams of one seed. */
const STREAMS = { test: 0x9e3779b9, device: 0x85ebca6b }

/** Creates a simulation. It runs in Node and in browsers, touches no network, and does nothing on its own. */
export function createSimulation(options: SimulationOptions = {}): Simulation {
  const { seed = 1, servers: size = 1, latency = 10, history = true, ...settings } = options
  const clock = createSimulatedClock()
  const log = createSimulatedLog()
  log.history = history
  const tokens = createSimulatedTokens(clock)
  const wire: WireRecord[] = []
  const servers: SimulatedServer[] = []
  const crashed = new Set<SimulatedServer>()
  const balancer = createSimulatedBalancer(clock, ORIGIN, servers)
  let devices = 0
  let doors: { door: Behaviour['door']; retryAfter: number | undefined } = { door: 'open', retryAfter: undefined }

  const cluster = createCluster({ clock, log, tokens, settings }, wire)

  function start(): SimulatedServer {
    const id = `server-${servers.length + 1}`
    const server = Object.assign(createSimulatedServer(cluster, id, `${ORIGIN}/live?server=${id}`), doors)
    servers.push(server)
    return server
  }
  for (let count = 0; count < size; count++) start()

  const up = () => servers.filter((server) => server.state === 'up')
  const newDevice = () =>
    createSimulatedDevice({
      world: clock,
      random: seededRandom(seed ^ (STREAMS.device + devices++)),
      subject: `user-${devices}`,
      base: ORIGIN,
      latency,
      knock: balancer.knock,
      tokens,
    })

  return {
    ...newDevice(),
    url: `${ORIGIN}/live`,
    clock,
    random: seededRandom(seed ^ STREAMS.test),
    log,
    tokens,
    servers,
    advance: (ms) => clock.advance(ms),
    play: (speed = 1) => play(clock, speed),
    publish: (topic, data) => log.append(topic, data),
    publishEvery(interval, topic, make = (count) => count) {
      let count = 0
      let cancel = clock.setTimeout(function next() {
        log.append(topic, make(++count))
        cancel = clock.setTimeout(next, interval)
      }, interval)
      return () => cancel()
    },
    deploy({ door, staleDials = 0, url, ...drain } = {}) {
      const from = up()
      const to = from.map(() => start())
      for (const server of to) if (door) server.door = door
      balancer.sendStale(from[0], staleDials)
      from.forEach((server, place) => {
        const address = url === 'direct' ? to[place]!.url : url
        server.drain({ ...drain, ...(address === undefined ? {} : { url: address }) })
      })
      return {
        from,
        to,
        cancel() {
          if (from.every(({ state }) => state === 'down')) return
          for (const server of from) server.cancel()
          for (const server of to) server.taking = false
        },
      }
    },
    rebalance({ staleDials = 0, url, ...drain } = {}) {
      const from = up()
      balancer.sendStale(from[0], staleDials)
      for (const server of from)
        server.unload({ reason: 'rebalance', ...drain, ...(url === undefined || url === 'direct' ? {} : { url }) })
    },
    crash() {
      for (const server of servers) {
        if (server.state === 'down') continue
        server.crash()
        crashed.add(server)
      }
    },
    restart() {
      for (const server of crashed) server.restart()
      crashed.clear()
    },
    refuse(how, retryAfter) {
      doors = { door: how, retryAfter }
      for (const server of up()) Object.assign(server, doors)
    },
    accept() {
      doors = { door: 'open', retryAfter: undefined }
      for (const server of servers) Object.assign(server, doors)
    },
    forgetPublishes() {
      cluster.answers.clear()
      cluster.decided.clear()
      cluster.answersLost = clock.monotonic()
    },
    device: newDevice,
    observe: (socket, topic) =>
      observe(
        socket,
        topic,
        () =>
          log.published.filter(
            (message) => message.topic === topic && settings.filter?.(topic, message.data) !== false,
          ),
        () => clock.monotonic(),
      ),
    published: log.published,
    dials: balancer.dials,
    wire,
  }
}

function createCluster(parts: Pick<Cluster, 'clock' | 'log' | 'tokens' | 'settings'>, wire: WireRecord[]): Cluster {
  return {
    ...parts,
    presence: createSimulatedPresence(parts),
    signals: new Set(),
    newest: new Map(),
    answers: new Map(),
    decided: new Map(),
    answersLost: -1,
    record(server, by, session, leg, text) {
      wire.push({ at: parts.clock.monotonic(), server, by, session, leg, text })
      if (wire.length >= 2 * RECORDS) wire.splice(0, RECORDS)
    },
  }
}

/** Lets simulated time pass as real time does. Returns a function that stops it. */
function play(clock: SimulatedClock, speed: number): () => void {
  let playing = true
  let before = systemClock.monotonic()
  void (async () => {
    while (playing) {
      await new Promise<void>((resolve) => void systemClock.frame(resolve))
      const now = systemClock.monotonic()
      // A tab that was hidden for long need not catch up.
      const passed = Math.min(now - before, 1_000)
      before = now
      if (playing) await clock.advance(passed * speed)
    }
  })()
  return () => void (playing = false)
}
