import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { systemClock, type Random } from '../../../src/base/clock.js'

/** A network that does what networks do, between clients and whichever server is the newest. */
export interface ChaosPath {
  readonly port: number
  /** Everything stops for so long, and then comes in a burst. */
  stall(ms: number): void
  /** Each connection ends with a reset. */
  reset(): void
  /** One direction of each connection ends, the other goes on. */
  halfClose(): void
  /** The next connections are accepted and nothing of them goes further. */
  swallow(connections: number): void
  /** The next connections are accepted and dropped. */
  drop(connections: number): void
  close(): void
}

/** How slow a connection is: drawn as it is made. */
interface Weather {
  /** Each way, ms. */
  readonly latency: number
  readonly jitter: number
  /** The most bytes that leave in one piece. */
  readonly slice: number
  /** Bytes a second. */
  readonly bandwidth: number
}

const AT_ONCE: Weather = { latency: 0, jitter: 0, slice: Infinity, bandwidth: Infinity }

export async function chaosPath(target: () => number, random: Random): Promise<ChaosPath> {
  const pairs = new Set<{ readonly near: Socket; readonly far: Socket }>()
  const swallowed = new Set<Socket>()
  let stalledUntil = 0
  let toSwallow = 0
  let toDrop = 0

  const server = createServer((near) => {
    near.on('error', () => undefined)
    if (toDrop > 0 && toDrop--) return void near.destroy()
    if (toSwallow > 0 && toSwallow--) {
      swallowed.add(near)
      return void near.resume()
    }
    const far = connect(target(), '127.0.0.1').on('error', () => undefined)
    const pair = { near, far }
    pairs.add(pair)
    const weather = drawWeather(random)
    forward(near, far, weather)
    forward(far, near, weather)
    for (const socket of [near, far])
      socket.on('close', () => {
        pairs.delete(pair)
        near.destroy()
        far.destroy()
      })
  })

  /** In order, however late: a delay is never shorter than what is left of the one before. */
  function forward(from: Socket, to: Socket, { latency, jitter, slice, bandwidth }: Weather) {
    let free = 0
    // Timers of fractions of a millisecond do not fire in order: each takes whatever is next.
    const waiting: (() => void)[] = []
    const later = (task: () => void, bytes: number) => {
      const now = systemClock.monotonic()
      const due = Math.max(now + latency + random() * jitter, stalledUntil, free) + (bytes / bandwidth) * 1_000
      free = due
      waiting.push(task)
      systemClock.setTimeout(() => waiting.shift()!(), due - now)
    }
    from.on('data', (data: Buffer) => {
      for (let at = 0; at < data.length; at += slice) {
        const piece = data.subarray(at, Math.min(data.length, at + slice))
        later(() => void (to.destroyed || to.write(piece)), piece.length)
      }
    })
    from.on('end', () => later(() => void to.end(), 0))
  }

  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    stall: (ms) => void (stalledUntil = Math.max(stalledUntil, systemClock.monotonic() + ms)),
    reset() {
      for (const { near, far } of pairs) {
        near.resetAndDestroy()
        far.resetAndDestroy()
      }
    },
    halfClose() {
      for (const { near } of pairs) near.end()
    },
    swallow: (connections) => void (toSwallow = connections),
    drop: (connections) => void (toDrop = connections),
    close() {
      server.close()
      for (const { near, far } of pairs) {
        near.destroy()
        far.destroy()
      }
      for (const socket of swallowed) socket.destroy()
    },
  }
}

function drawWeather(random: Random): Weather {
  if (random() < 0.4) return AT_ONCE
  return {
    latency: random() * 15,
    jitter: random() * 15,
    slice: random() < 0.3 ? 1 + Math.floor(random() * 40) : Infinity,
    bandwidth: random() < 0.3 ? 20_000 + random() * 80_000 : Infinity,
  }
}
