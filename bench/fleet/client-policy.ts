import type { Clock, Random } from '../../src/base/clock.js'
import { reconnectDelay } from '../../src/policy/delay.js'
import { dialPatience } from '../../src/policy/dial-patience.js'
import { createRetryBudget, type RetryBudget } from '../../src/policy/retry-budget.js'
import { drawTokenSchedule, tokenRetryDelay } from '../../src/policy/token-schedule.js'

/** The timing of one client library. Milliseconds. */
export interface ClientPolicy {
  readonly name: string
  /** Where the rule is documented. */
  readonly source: string
  /**
   * The delay before dial number `ask.failures` after a leg was lost. `trait` in [0, 1) is drawn once for each client.
   */
  reconnectDelay(ask: ReconnectCase, random: Random): number
  /** The library calls a token function of the application before every dial. */
  readonly tokenAtEveryDial: boolean
  /** The age at which the library refreshes a token. Absent if it has no rule of its own. */
  refreshAge?(lifetime: number, trait: number, random: Random): number
  /** The age from which on the library does not use a token. Default: the lifetime. */
  deadAge?(lifetime: number): number
  /**
   * How long an open connection waits for its welcome, after `slow` dials in a row that waited in vain. Absent: without
   * a limit.
   */
  patience?(slow: number): number
  /** The delay before the dial that follows a `busy`. Absent if the library does not know `busy`. */
  busyDelay?(ask: BusyCase, random: Random): number
  /** The limit of dials that follow failed ones. Each client has its own. */
  retries?(clock: Pick<Clock, 'monotonic'>): RetryBudget
  /** The delay after failed token call number `failures`, counted from 0. `left` is the remaining life of the token. */
  tokenRetryDelay?(ask: { failures: number; left: number }, random: Random): number
}

export interface ReconnectCase {
  readonly failures: number
  readonly trait: number
  readonly spread: number
  /** Whether only this client was hit and knows it. */
  readonly early: boolean
  /** Whether the previous dial was the first one and found no server. */
  readonly placed: boolean
}

export interface BusyCase {
  readonly failures: number
  readonly spread: number
  /** The delay that the server asks for, and the spread that it asks for from all clients that it refused. */
  readonly retryAfter: number
  readonly own?: number
}

/** LiveSocket's default, ms. */
const CONNECT_TIMEOUT = 10_000

/** LiveSocket's own policy functions, called as the live socket calls them. */
export const livesocket: ClientPolicy = {
  name: 'livesocket',
  source: 'src/policy/delay.ts, src/policy/token-schedule.ts',
  reconnectDelay: (ask, random) => reconnectDelay(ask, random),
  patience: (slow) => dialPatience(CONNECT_TIMEOUT, slow),
  busyDelay: ({ failures, spread, retryAfter, own }, random) =>
    reconnectDelay(
      { failures: own === undefined ? failures : 0, spread: own ?? spread, busy: true, retryAfter },
      random,
    ),
  retries: createRetryBudget,
  tokenAtEveryDial: false,
  refreshAge: (lifetime, _, random) => drawTokenSchedule(lifetime, {}, random).due,
  deadAge: (lifetime) => drawTokenSchedule(lifetime, {}, () => 0).dead,
  tokenRetryDelay,
}

/** LiveSocket's rules without admission: full jitter, and the same timeout whatever happens. */
export const before: ClientPolicy = {
  name: 'a fixed spread alone',
  source: 'LiveSocket without admission: 250 ms + U(0, spread · 2ⁿ), up to 120 s; connectTimeout 10 s; busy 5 s',
  reconnectDelay: ({ failures, spread, early }, random) => reconnectDelay({ failures, spread, early }, random),
  patience: () => CONNECT_TIMEOUT,
  busyDelay: ({ failures, spread, retryAfter }, random) => reconnectDelay({ failures, spread, retryAfter }, random),
  tokenAtEveryDial: false,
  refreshAge: livesocket.refreshAge!,
  tokenRetryDelay,
}

/** `min · 1.3ⁿ`, at most 10 s, with `min` drawn once from 1 to 5 s. */
const byFactor = ({ failures, trait }: ReconnectCase) => Math.min(10_000, (1_000 + trait * 4_000) * 1.3 ** failures)

const ladder =
  (steps: readonly number[]) =>
  ({ failures }: ReconnectCase) =>
    steps[Math.min(failures, steps.length - 1)]!

export const peers: readonly ClientPolicy[] = [
  {
    name: 'reconnecting-websocket',
    source:
      '4.4.0: minReconnectionDelay 1000 + random · 4000 drawn once per page, grow factor 1.3, maxReconnectionDelay 10000; URL provider called at every dial',
    reconnectDelay: byFactor,
    tokenAtEveryDial: true,
  },
  {
    name: 'partysocket',
    source: 'ws.ts DEFAULT: the same numbers as reconnecting-websocket; URL provider called at every dial',
    reconnectDelay: byFactor,
    tokenAtEveryDial: true,
  },
  {
    name: 'socket.io',
    source:
      '4.8: reconnectionDelay 1000, reconnectionDelayMax 5000, randomizationFactor 0.5, clamped after the jitter; auth function called at every dial; timeout 20000 up to the handshake',
    reconnectDelay: ({ failures }, random) => Math.min(5_000, 1_000 * 2 ** Math.min(failures, 20) * (0.5 + random())),
    patience: () => 20_000,
    tokenAtEveryDial: true,
  },
  {
    name: 'centrifuge',
    source:
      'centrifuge-js 5: min(20 s, 500 ms + U(0, min(20 s, 500 ms · 2ⁿ))); refresh at the server’s ttl, retried after 5–10 s; timeout 5000 for the connect command',
    reconnectDelay: ({ failures }, random) =>
      Math.min(20_000, 500 + random() * Math.min(20_000, 500 * 2 ** Math.min(failures, 20))),
    patience: () => 5_000,
    tokenAtEveryDial: false,
    refreshAge: (lifetime) => lifetime,
    tokenRetryDelay: (_, random) => 5_000 + random() * 5_000,
  },
  {
    name: 'phoenix',
    source: 'phoenix 1.8: [10, 50, 100, 150, 200, 250, 500, 1000, 2000] ms, then 5 s, no jitter',
    reconnectDelay: ladder([10, 50, 100, 150, 200, 250, 500, 1_000, 2_000, 5_000]),
    tokenAtEveryDial: false,
  },
  {
    name: 'supabase',
    source:
      'realtime-js: [1, 2, 5, 10] s, no jitter; auth-js: a tick every 30 s refreshes with 90 s left, retried after 0.2 s · 2ⁿ within 30 s, then 60 s later; timeout 10000 for the join that says who it is',
    reconnectDelay: ladder([1_000, 2_000, 5_000, 10_000]),
    patience: () => 10_000,
    tokenAtEveryDial: false,
    // The tick begins when the page loads, so in a login burst it is the same for all. Elsewhere `trait` tells the
    // pages apart.
    refreshAge: (lifetime) => Math.ceil((lifetime - 90_000) / 30_000) * 30_000,
    tokenRetryDelay: ({ failures }) => (failures % 8 < 7 ? 200 * 2 ** (failures % 8) : 60_000),
  },
]

/** What most applications write by hand: a timer at a fixed point of the token's life. */
export const fixedPoint: ClientPolicy = {
  name: 'fixed 7 min',
  source: 'a timer at 0.7 of the lifetime, the mean of 0.5–0.9',
  reconnectDelay: ladder([1_000]),
  tokenAtEveryDial: true,
  refreshAge: (lifetime) => 0.7 * lifetime,
  tokenRetryDelay: () => 5_000,
}
