import { ModelLog } from './model-log.js'
import { ModelServer } from './model-server.js'
import { TOPIC } from './tab.js'
import { createTokenService, type TokenService } from './token-service.js'
import type { ServerEnd } from './wire.js'
import { createWorldClock, type WorldClock } from './world-clock.js'

/** What may happen to servers, to the log behind them and to the token service. */
export type OfServers =
  | 'append'
  | 'append-hidden'
  | 'move'
  | 'move-here'
  | 'drain'
  | 'cancel-drain'
  | 'crash'
  | 'restart'
  | 'lose'
  | 'trim'
  | 'busy'
  | 'well'
  | 'revoke'
  | 'token-fails'
  | 'token-well'

/** Everything outside of the page: servers, the log behind them, and the token service. */
export interface Fleet {
  readonly servers: readonly ModelServer[]
  readonly log: ModelLog
  readonly tokens: TokenService
  /** For each session, the newest leg that any server has welcomed. */
  readonly newestLegs: ReadonlyMap<string, number>
  /** The server that a dial to this URL reaches at this moment; null: none. */
  serverAt(url: string): ServerEnd | null
  /** Null: this happening does not belong to the fleet. */
  happening(name: string): (() => void) | null
  /** If servers read appended entries at once, they do so here. */
  settle(): void
  allIsWell(): void
}

export interface FleetDeps {
  readonly servers: number
  readonly tokenLife: number | null
  /** Servers read appended entries at once and have no clock, and messages differ only in their offsets. */
  readonly plain: boolean
  readonly clock: WorldClock
  /** A number for the order of sending, over the whole world. */
  tick(): number
  /** Reports that a client broke a rule. */
  broken(rule: string): void
}

const DEADLINE = 20_000

export function createFleet({ servers: count, tokenLife, plain, tick, broken, ...deps }: FleetDeps): Fleet {
  const log = new ModelLog(plain)
  const clock: WorldClock = plain ? { ...createWorldClock(), setTimeout: () => () => {} } : deps.clock
  const tokens = createTokenService(clock, tokenLife ?? 0, tick)
  const newestLegs = new Map<string, number>()
  const servers = ['A', 'B', 'C'].slice(0, count).map(
    (name) =>
      new ModelServer({
        name,
        url: `wss://${name.toLowerCase()}.test/live`,
        topic: TOPIC,
        clock,
        log,
        newestLegs,
        heartbeat: 10_000,
        tokenValid: (given) => tokenLife === null || tokens.valid(given),
        tokenTtl: (given) => (tokenLife === null ? undefined : tokens.left(given)),
        broken,
      }),
  )
  const taking = () => servers.filter(({ up, draining }) => up && !draining)
  /** The balancer picks the first server that takes new legs, otherwise one that is draining. */
  const balanced = () => taking()[0] ?? servers.find(({ up }) => up) ?? null

  const happenings: Readonly<Record<OfServers, () => void>> = {
    append: () => void log.append(log.head + 1),
    'append-hidden': () => void log.append('hidden', true),
    move: () => taking()[0]?.drain(taking()[1]?.url, DEADLINE),
    'move-here': () => taking()[0]?.drain(undefined, DEADLINE),
    drain: () => taking()[0]?.drain(undefined, 2_000),
    'cancel-drain': () => servers.find(({ draining }) => draining)?.cancelDrain(),
    crash: () => servers.find(({ up }) => up)?.crash(),
    restart: () => servers.find(({ up, draining }) => !up || draining)?.restart(),
    lose: () => log.lose(),
    trim: () => log.trim(1),
    busy: () => taking()[0]?.refuse('busy'),
    well: () => servers.forEach((server) => server.refuse(null)),
    revoke: () => tokens.revoke(),
    'token-fails': () => tokens.fail(),
    'token-well': () => tokens.well(),
  }

  return {
    servers,
    log,
    tokens,
    newestLegs,
    serverAt: (url) =>
      url.includes('front') ? balanced() : (servers.find((one) => one.url === url && one.up) ?? null),
    happening: (name) => happenings[name as OfServers] ?? null,
    settle() {
      if (plain) for (const server of servers) while (server.up && server.behind) server.readOn()
    },
    allIsWell() {
      for (const server of servers) {
        if (!server.up) server.restart()
        server.cancelDrain()
        server.refuse(null)
      }
      tokens.well()
    },
  }
}
