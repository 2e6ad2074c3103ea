import { createLiveSocket, type LiveSocketOptions } from '../../src/index.js'
import { createSimulation, type SimulationOptions } from '../../src/testing/index.js'

export const SECOND = 1_000
export const MINUTE = 60_000
export const HOUR = 60 * MINUTE

export type Ask = Parameters<NonNullable<LiveSocketOptions['getToken']>>[0]
export type Provide = (ask: Ask, count: number) => unknown

/** A world whose servers take only tokens that were issued in it, and live sockets whose provider the test is. */
export function signedInWorld(options: SimulationOptions = {}) {
  const sim = createSimulation({ requireToken: true, reconnectSpread: 1_000, heartbeat: MINUTE, ...options })
  const ends = new Map<string, number>()
  const now = () => sim.clock.monotonic()
  sim.tokens.left = (token) => {
    const left = (ends.get(token ?? '') ?? 0) - now()
    return left > 0 ? left : null
  }
  let issued = 0
  /** A token that the servers take for so long; a name that is no token otherwise. */
  const issue = (lifetime = 10 * MINUTE, token = `token-${++issued}`) => {
    ends.set(token, now() + lifetime)
    return token
  }
  const page = (provide: Provide, given: Partial<LiveSocketOptions> = {}) => {
    const calls: { at: number; reason: string; attempt: number; signal: AbortSignal }[] = []
    const failures: { at: number; code: string | undefined; retryIn: number }[] = []
    const ended: { at: number; reason: string }[] = []
    const statuses: string[] = []
    const socket = createLiveSocket({
      url: sim.url,
      key: 'signed-in',
      environment: sim.environment,
      // Hours pass faster with few frames.
      heartbeat: { interval: MINUTE, timeout: 5 * SECOND },
      getToken: (ask) => {
        calls.push({ at: now(), ...ask })
        return (async () => provide(ask, calls.length) as never)()
      },
      ...given,
    } as LiveSocketOptions)
    const room = sim.observe(socket, 'room')
    socket.on('token-failed', ({ error, retryIn }) =>
      failures.push({ at: now(), code: (error as { code?: string }).code, retryIn }),
    )
    socket.on('session-ended', ({ reason }) => ended.push({ at: now(), reason }))
    let status = 'idle'
    socket.store.subscribe((state) => {
      if (state.status !== status) statuses.push((status = state.status))
    })
    return {
      socket,
      room,
      calls,
      failures,
      ended,
      statuses,
      async live(within = 2 * SECOND) {
        socket.connect()
        await sim.advance(within)
        if (status !== 'live') throw new Error(`it is ${status} and should be live`)
        statuses.length = 0
      },
      state: () => socket.store.getState(),
      /** Milliseconds between one call and the next. */
      gaps: () => calls.slice(1).map(({ at }, place) => at - calls[place]!.at),
    }
  }
  /** What clients have said from now on that bears a token. */
  const spoken = (from = 0) =>
    sim.wire.slice(from).filter(({ by, text }) => by === 'client' && text.includes('"token":'))
  return { sim, issue, page, spoken, revoke: () => ends.clear() }
}

/** A JWT of that lifetime, issued by a server whose clock is off by years. */
export function jwt(subject: string, seconds: number, number = 0): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: 1_000_000, exp: 1_000_000 + seconds, jti: number })}.signature`
}
