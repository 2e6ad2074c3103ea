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

/** The world of a simulation. Durations are milliseconds. */
export interface SimulationOptions extends ClusterSettings {
  /** Two simulations with one seed do the same. Default 1. */
  seed?: number
  /** Servers at a time. Default 1. */
  servers?: number
  /** Milliseconds that a frame takes in each direction. Default 10. */
  latency?: number
  /** Whether servers can resume from a position. Default true. */
  history?: boolean
}

/** How a simulated deploy goes. Durations are milliseconds. */
export interface DeployOptions extends Omit<DrainOptions, 'url'> {
  /** What the new servers do to a dial. Default `open`. */
  door?: Behaviour['door']
  /** So many dials still land on an old server: a balancer that learns late. Default 0. */
  staleDials?: number
  /** `direct`: the request names the new server's own address. Any other text is sent as it is. Default: no address. */
  url?: 'direct' | (string & {})
}

/** A deploy that is under way in a simulation. */
export interface Deploy {
  readonly from: readonly SimulatedServer[]
  readonly to: readonly SimulatedServer[]
  /**
   * The old servers stay after all, and take new dials again; the new ones take none. Once all the old ones are down it
   * does nothing.
   */
  cancel(): void
}

/** One thing that went over a connection, as the server saw it. `at` on the simulated clock since its start. */
export interface WireRecord {
  readonly at: number
  readonly server: string
  readonly by: 'client' | 'server'
  readonly session: string
  readonly leg: number
  readonly text: string
}

/**
 * A world for one live socket or many: servers, a token service, devices and networks, all on one clock that the test
 * handovers, all from one seed. Its own device is the one that `offline`, `freeze`, `sleep` and the like are about;
 * `device()` makes others.
 */
export interface Simulation extends SimulatedDevice {
  /** What to give `createLiveSocket`: any server that is up answers there. */
  readonly url: string
  readonly clock: SimulatedClock
  /** For the test's own draws; live socket and servers have others. */
  readonly random: Random
  readonly log: SimulatedLog
  readonly tokens: SimulatedTokens
  /** Every server so far, those that are down included. */
  readonly servers: readonly SimulatedServer[]
  /** Advances time; see `SimulatedClock.advance`. */
  advance(ms: number): Promise<void>
  /** Lets the simulation follow real time, `speed` times as fast (default 1): for stories. Returns the stop. */
  play(speed?: number): () => void
  /** Somebody else publishes. */
  publish(topic: string, data: unknown): LoggedMessage
  /** Somebody else publishes every `interval` ms; `make` gets 1, 2, 3, …. Returns the stop. */
  publishEvery(interval: number, topic: string, make?: (count: number) => unknown): () => void
  /** New servers take the place of those that are up, which are drained. */
  deploy(options?: DeployOptions): Deploy
  /** The servers that are up ask their legs to hand over, and stay: what rebalancing does. */
  rebalance(options?: Omit<DeployOptions, 'door'>): void
  /** Every server that is not down dies at once. Clients see 1006; dials are refused until `restart`. */
  crash(): void
  /** The servers that `crash` has ended come up again. */
  restart(): void
  /** What every server that is up, and every later one, does to a dial from now on. `accept` undoes it. */
  refuse(how: Exclude<Behaviour['door'], 'open'>, retryAfter?: number): void
  accept(): void
  /** The servers forget which publishes they have applied. */
  forgetPublishes(): void
  /** One more machine with a browser. */
  device(): SimulatedDevice
  /** Subscribes, and keeps the books: whether everything published arrived once and in order. */
  observe(socket: Observable, topic: string): Observation
  /** Everything published so far, the last 100,000 at least. */
  readonly published: readonly LoggedMessage[]
  /** Every dial that reached the balancer. */
  readonly dials: readonly { readonly at: number; readonly url: string; readonly server: string | null }[]
  /** The last 10,000 frames of all legs, tokens included. */
  readonly wire: readonly WireRecord[]
}

const ORIGIN = 'wss://live.test'
const RECORDS = 10_000

/** Streams of one seed that are drawn from independently. */
const STREAMS = { test: 0x9e3779b9, device: 0x85ebca6b }

/**
 * Creates a simulation. It runs in Node and in browsers, touches no network, and does something only when it is told
 * to.
 */
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

/** Lets simulated time pass as real time does. Returns what stops it. */
function play(clock: SimulatedClock, speed: number): () => void {
  let playing = true
  let before = systemClock.monotonic()
  void (async () => {
    while (playing) {
      await new Promise<void>((resolve) => void systemClock.frame(resolve))
      const now = systemClock.monotonic()
      // A tab that was hidden for long does not have to catch up.
      const passed = Math.min(now - before, 1_000)
      before = now
      if (playing) await clock.advance(passed * speed)
    }
  })()
  return () => void (playing = false)
}
