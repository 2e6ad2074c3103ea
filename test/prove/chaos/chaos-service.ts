import { systemClock, type Random } from '../../../src/base/clock.js'
import { createLiveServer, type LiveServer, type TopicLog } from '../../../src/server/index.js'
import { createRelay, type Relay } from '../../kit/relay.js'
import { CALM, type Weather } from '../../kit/relay-lane.js'

export const ROOM = 'room'

/** A topic whose members come and go. */
export const SIDE = 'side'

/** Real servers that share a log, and the network in front of them. */
export interface ChaosService {
  readonly url: string
  readonly path: Relay
  /** Nothing passes for `ms` milliseconds, and then everything arrives in a burst. */
  stall(ms: number): void
  /** Publishes 1, 2, 3, … from a server until `stop`. */
  publish(): void
  stop(): void
  /** Whether everything published here is in the log, or never will be. */
  settled(): boolean
  /** A new server replaces the present one, which is drained. */
  move(): void
  crash(): void
  /** For `ms` milliseconds every credential is refused as busy, or cannot be checked. */
  refuse(ms: number): void
  /** For `ms` milliseconds the log answers nothing, although it executes everything. */
  stallLog(ms: number): void
  /** All tokens count as about to expire. */
  renewTokens(): void
  close(): Promise<void>
}

export async function startChaosService(
  createLog: () => TopicLog,
  random: Random,
  tokenTtl?: number,
): Promise<ChaosService> {
  const servers: LiveServer[] = []
  const leaving: Promise<unknown>[] = []
  let refusedUntil = 0
  let logStalledUntil = 0
  let published = 0
  let publishing = 0
  let stopPublishing = () => {}

  async function start() {
    const server = createLiveServer({
      port: 0,
      host: '127.0.0.1',
      log: answersLate(createLog(), () => logStalledUntil - systemClock.monotonic()),
      authenticate({ request }) {
        if (systemClock.monotonic() < refusedUntil) throw new Error('the identity service is away')
        return { subject: request.url!.split('?')[1]!, ...(tokenTtl !== undefined && { tokenTtl }) }
      },
      authorize: () => true,
      presence: () => true,
      onRequest: { double: ({ data }: { data: unknown }) => Number(data) * 2 },
      onError: () => undefined,
    })
    await server.ready
    servers.push(server)
  }

  await start()
  const newest = () => servers.at(-1)!
  const path = createRelay({
    target: () => ({ port: Number(new URL(newest().address()).port) }),
    weather: () => drawWeather(random),
    random,
  })
  await path.ready
  let stalls = 0

  async function replace(go: (old: LiveServer) => Promise<unknown>) {
    const old = newest()
    await start()
    await go(old)
    servers.splice(servers.indexOf(old), 1)
    await old.close()
  }

  return {
    url: `ws://127.0.0.1:${path.port}/`,
    path,
    stall(ms) {
      stalls++
      path.freeze()
      systemClock.setTimeout(() => void (--stalls === 0 && path.thaw()), ms)
    },
    publish() {
      let going = true
      let cancel = () => {}
      const next = () => {
        publishing++
        newest()
          .publish(random() < 0.7 ? ROOM : SIDE, ++published)
          .catch(() => undefined)
          .finally(() => void publishing--)
        if (going) cancel = systemClock.setTimeout(next, 2 + random() * 15)
      }
      next()
      stopPublishing = () => {
        going = false
        cancel()
      }
    },
    stop: () => stopPublishing(),
    settled: () => publishing === 0,
    move: () => void leaving.push(replace((old) => old.drain({ deadline: 1_000, rate: 1_000, endWhenAlone: false }))),
    crash: () =>
      void leaving.push(
        replace(async () => {
          path.cut()
        }),
      ),
    refuse: (ms) => void (refusedUntil = systemClock.monotonic() + ms),
    stallLog: (ms) => void (logStalledUntil = systemClock.monotonic() + ms),
    renewTokens: () =>
      void newest()
        .renewTokens(() => true, { within: 1_000 })
        .catch(() => undefined),
    async close() {
      await Promise.all(leaving)
      await Promise.all(servers.map((server) => server.close()))
      await path.close()
    },
  }
}

/** How slow a connection is, drawn when it is made. */
function drawWeather(random: Random): Weather {
  if (random() < 0.4) return CALM
  return {
    latency: random() * 15,
    jitter: random() * 15,
    slice: random() < 0.3 ? 1 + Math.floor(random() * 40) : Infinity,
    bandwidth: random() < 0.3 ? 20_000 + random() * 80_000 : Infinity,
  }
}

/** Answers arrive when the stall is over, in their order. */
function answersLate(log: TopicLog, left: () => number): TopicLog {
  const waits = ['append', 'refuse', 'recall', 'head', 'read', 'admit', 'release']
  return new Proxy(log, {
    get(of, name) {
      const member: unknown = Reflect.get(of, name)
      if (typeof member !== 'function') return member
      const call = (...args: unknown[]): unknown => Reflect.apply(member, of, args)
      if (!waits.includes(String(name))) return call
      return async (...args: unknown[]) => {
        const answer = await call(...args)
        if (left() > 0) await new Promise<void>((resolve) => void systemClock.setTimeout(resolve, left()))
        return answer
      }
    },
  })
}
