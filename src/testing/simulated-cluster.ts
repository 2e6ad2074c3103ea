import type { Clock } from '../base/clock.js'
import type { ServerFrame } from '../protocol/frames.js'
import type { SimulatedLog } from './simulated-log.js'
import type { SimulatedTokens } from './simulated-tokens.js'

/** What the servers know in common, and how they are set up. */
export interface Cluster {
  readonly clock: Clock
  readonly log: SimulatedLog
  readonly tokens: SimulatedTokens
  readonly settings: ClusterSettings
  /** The newest leg of each session. */
  readonly newest: Map<string, number>
  /** The final answer to each publish, by session and id. */
  readonly answers: Map<string, ServerFrame>
  /** The newest `n` that was decided, by session and topic. */
  readonly decided: Map<string, number>
  /** When `answers` and `decided` were lost, on the clock. */
  answersLost: number
  record(server: string, by: 'client' | 'server', session: string, leg: number, text: string): void
}

/** What the simulated servers of a service are like. */
export interface ClusterSettings {
  /** A leg without a valid token is refused. Default false: a token is judged where there is one. */
  requireToken?: boolean
  /** Milliseconds, as in `welcome`. Default 10,000. */
  heartbeat?: number
  /** Bytes, as in `welcome`. Default: no limit, and none named. */
  maxFrame?: number
  /** Milliseconds, as in `welcome`. Default: not named. */
  reconnectSpread?: number
  /** Whether clients may see a message. */
  filter?: (topic: string, data: unknown) => boolean
  /** Whether clients may subscribe to a topic. */
  authorize?: (topic: string) => boolean
  /** Decides about a publish: what the answer's `data` is, or a refusal. Default: it is appended to its topic. */
  onPublish?: (
    topic: string,
    data: unknown,
  ) => { data?: unknown } | { refuse: { code: string; message?: string; retryAfter?: number } }
  /** Answers a request: what the answer's `data` is, or a refusal. Default: `unknown-method`. */
  onRequest?: (
    method: string,
    data: unknown,
  ) => { data?: unknown } | { refuse: { code: string; message?: string; data?: unknown; retryAfter?: number } }
}

/** What a server does wrong, and can be told to do at any moment. */
export interface Behaviour {
  /**
   * What becomes of a dial. `open`: it is served. `refuses`: it fails. `hangs`: the handshake is never answered.
   * `mute`: it opens and is never welcomed. The others answer the `hello` with that error.
   */
  door:
    | 'open'
    | 'refuses'
    | 'hangs'
    | 'mute'
    | 'unauthorized'
    | 'session-ended'
    | 'forbidden'
    | 'busy'
    | 'draining'
    | 'protocol'
  /** Milliseconds; sent along with `busy`. */
  retryAfter?: number
  /** False: publishes are applied and never answered. */
  acks: boolean
  /** Milliseconds between two replayed messages; live ones wait behind them. */
  replayPace: number
}
