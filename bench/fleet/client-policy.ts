import type { Clock, Random } from '../../src/base/clock.js'
import { reconnectDelay } from '../../src/policy/delay.js'
import { dialPatience } from '../../src/policy/dial-patience.js'
import { createRetryBudget, type RetryBudget } from '../../src/policy/retry-budget.js'
import { drawTokenSchedule, tokenRetryDelay } from '../../src/policy/token-schedule.js'

/** What one client library does with time. Milliseconds. */
export interface ClientPolicy {
  readonly name: string
  /** Where its rule is written down. */
  readonly source: string
  /** Before dial number `ask.failures` after a leg was lost. `trait` in [0, 1) is drawn once per client, and stays. */
  reconnectDelay(ask: ReconnectCase, random: Random): number
  /** An application hands it a token by a function that it calls before every dial. */
  readonly tokenAtEveryDial: boolean
  /** The age at which it refreshes a token; absent where it has no rule of its own. */
  refreshAge?(lifetime: number, trait: number, random: Random): number
  /** The age from which on it no longer uses a token. Default: the lifetime. */
  deadAge?(lifetime: number): number
  /**
   * How long it waits on a connection that is open for the word that it is served; `slow` dials in a row waited in vain.
   * Absent: for as long as it takes.
   */
  patience?(slow: number): number
  /** Before the dial that follows a `busy`; absent where it knows none. */
  busyDelay?(ask: BusyCase, random: Random): number
  /** What bounds dials that follow failed ones, anew for each client. */
  retries?(clock: Pick<Clock, 'monotonic'>): RetryBudget
  /** After failure number `failures`, from 0, with so much left of the token's life. */
  tokenRetryDelay?(ask: { failures: number; left: number }, random: Random): number
}

export interface ReconnectCase {
  readonly failures: number
  readonly trait: number
  readonly spread: number
  /** Only this client was hit, and it can know. */
  readonly early: boolean
  /** The dial before it was the first one, and found no server. */
  readonly placed: boolean
}

export interface BusyCase {
  readonly failures: number
  readonly spread: number
  /** When the server wants it back, and over what it wants those spread whom it told so. */
  readonly retryAfter: number
  readonly own?: number
}

/** LiveSocket's default, ms. */
const CONNECT_TIMEOUT = 10_000

/** The product's own policy functions, as the live socket calls them. */
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

/** The rules that it had before servers said what they can take: full jitter, and the same patience whatever happens. */
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
    // The tick began with the page, so in a login burst it is the same for all; `trait` tells pages apart that did not.
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
