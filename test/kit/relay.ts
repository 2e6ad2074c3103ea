import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { systemClock, systemRandom, type Clock, type Random } from '../../src/base/clock.js'
import { CALM, createLane, type Freight, type Lane, type Weather } from './relay-lane.js'

/**
 * A network path between a client and a server, over TCP: it adds a round trip, and can be cut, frozen or closed to new
 * connections. Bytes keep their order. It needs no privileges and no kernel modules, so it runs wherever Node runs.
 *
 * Other things between clients and servers are not part of it: a balancer (`balancer.ts`), real proxies (`tls-front.ts`,
 * `bench/cluster/proxy.ts`), and a proxy that changes frames (`test/cli/defects.ts`).
 */
export interface Relay {
  readonly ready: Promise<void>
  readonly port: number
  /** Sets the round trip in milliseconds of connections from now on; with `existing` also of open ones. */
  setDelay(roundTrip: number, options?: { existing?: boolean }): void
  /**
   * Breaks every connection with a reset, as a router does that has lost its table. Returns how many connections there
   * were.
   */
  cut(): number
  /** Nothing passes in either direction, not even a close, and neither side learns of it: a half-open path. */
  freeze(): void
  /** What was on its way when the path froze now arrives. */
  thaw(): void
  /** While true, a new connection is reset after one round trip. */
  refuse(refusing: boolean): void
  /** The next `connections` connections are accepted, and nothing of theirs is forwarded. */
  swallow(connections: number): void
  /** The next `connections` connections are accepted and closed at once. */
  drop(connections: number): void
  connections(): readonly RelayConnection[]
  close(): Promise<void>
}

/** One connection through the relay. Each has its own delay: two legs of one client may have different paths. */
export interface RelayConnection {
  readonly number: number
  setDelay(roundTrip: number): void
  cut(): void
  /** `up`: what the client sends. Default: both directions. */
  freeze(direction?: 'up' | 'down' | 'both'): void
  thaw(): void
  /** The client learns that nothing more will come; what it sends still arrives. */
  halfClose(): void
}

export interface RelayOptions {
  /** The target, called again for every connection. */
  target: { port: number; host?: string } | (() => { port: number; host?: string })
  /** Round trip in milliseconds, half of it per direction; default 0. */
  delay?: number
  /** Round trips of a dial before its first byte. Default: one for TCP and one for TLS. */
  dialRoundTrips?: number
  /** Called for every connection: the state of its network. Default: calm. */
  weather?: () => Weather
  /** Default 0: a free port. */
  port?: number
  clock?: Clock
  random?: Random
}

export function createRelay(options: RelayOptions): Relay {
  const clock = options.clock ?? systemClock
  const random = options.random ?? systemRandom
  const dialRoundTrips = options.dialRoundTrips ?? 2
  const open = new Set<RelayConnection>()
  let delay = options.delay ?? 0
  let frozen = false
  let refusing = false
  let [swallowing, dropping] = [0, 0]
  let count = 0
  const swallowed = new Set<Socket>()

  const accept = (near: Socket) => {
    near.setNoDelay(true)
    near.on('error', () => {})
    if (refusing) {
      near.pause()
      clock.setTimeout(() => near.resetAndDestroy(), delay)
      return
    }
    if (dropping > 0 && dropping--) return void near.destroy()
    if (swallowing > 0 && swallowing--) {
      swallowed.add(near)
      near.on('end', () => near.end()).on('close', () => swallowed.delete(near))
      return void near.resume()
    }

    let far: Socket | undefined
    const opensAt = clock.monotonic() + dialRoundTrips * delay
    const way = { clock, random, delay: delay / 2, opensAt, weather: options.weather?.() ?? CALM }
    const up: Lane = createLane(way, (freight) => carry(freight, up, near, far!))
    const down: Lane = createLane(way, (freight) => carry(freight, down, far!, near))

    const carry = (freight: Freight, lane: Lane, from: Socket, to: Socket) => {
      if (freight === 'reset') return connection.cut()
      if (to.destroyed || to.writableEnded) return
      if (freight === 'end') return void to.end()
      to.write(freight)
      readOn(lane, from, to)
    }
    const readOn = (lane: Lane, from: Socket, to: Socket) => {
      if (lane.full || to.writableNeedDrain) from.pause()
      else from.resume()
    }

    const listen = (lane: Lane, from: Socket, to: Socket) => {
      from.on('data', (chunk: Buffer) => {
        lane.enter(chunk)
        readOn(lane, from, to)
      })
      from.on('end', () => lane.enter('end'))
      from.on('close', (failed) => {
        if (failed) lane.enter('reset')
        else if (to.destroyed) open.delete(connection)
      })
      to.on('drain', () => readOn(lane, from, to))
    }

    // The server learns of the connection when its handshakes are paid for; the target is chosen then.
    const cancelDial = clock.setTimeout(() => {
      const { port, host = '127.0.0.1' } = typeof options.target === 'function' ? options.target() : options.target
      far = connect({ port, host, allowHalfOpen: true })
      far.setNoDelay(true)
      far.on('error', () => {})
      listen(down, far, near)
      listen(up, near, far)
    }, dialRoundTrips * delay)

    const connection: RelayConnection = {
      number: ++count,
      setDelay(changed) {
        up.setDelay(changed / 2)
        down.setDelay(changed / 2)
      },
      cut() {
        open.delete(connection)
        cancelDial()
        up.clear()
        down.clear()
        if (!near.destroyed) near.resetAndDestroy()
        if (far && !far.destroyed) far.resetAndDestroy()
      },
      freeze(direction = 'both') {
        if (direction !== 'down') up.freeze()
        if (direction !== 'up') down.freeze()
      },
      halfClose: () => void near.end(),
      thaw() {
        up.thaw()
        down.thaw()
      },
    }
    open.add(connection)
    if (frozen) connection.freeze()
  }

  const server = createServer({ allowHalfOpen: true }, accept)
  server.listen(options.port ?? 0, '127.0.0.1')

  return {
    ready: once(server, 'listening').then(() => undefined),
    get port() {
      return (server.address() as AddressInfo).port
    },
    setDelay(roundTrip, { existing = false } = {}) {
      delay = roundTrip
      if (existing) for (const connection of open) connection.setDelay(roundTrip)
    },
    cut() {
      const cut = [...open]
      for (const connection of cut) connection.cut()
      return cut.length
    },
    freeze() {
      frozen = true
      for (const connection of open) connection.freeze()
    },
    thaw() {
      frozen = false
      for (const connection of open) connection.thaw()
    },
    refuse: (now) => void (refusing = now),
    swallow: (connections) => void (swallowing = connections),
    drop: (connections) => void (dropping = connections),
    connections: () => [...open],
    async close() {
      for (const connection of [...open]) connection.cut()
      for (const socket of swallowed) socket.destroy()
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      await closed
    },
  }
}
