import type { Clock } from '../base/clock.js'
import type { ServerFrame, SignalFrame } from '../protocol/frames.js'
import type { ClusterSettings } from './cluster-settings.js'
import type { SimulatedLog } from './simulated-log.js'
import type { SimulatedPresence } from './simulated-presence.js'
import type { SimulatedTokens } from './simulated-tokens.js'

/** What all simulated servers share, and their settings. */
export interface Cluster {
  readonly clock: Clock
  readonly log: SimulatedLog
  readonly tokens: SimulatedTokens
  readonly settings: ClusterSettings
  readonly presence: SimulatedPresence
  /** One function for each leg: receives a signal of that session. */
  readonly signals: Set<(signal: SignalFrame, from: string) => void>
  /** The newest leg of each session. */
  readonly newest: Map<string, number>
  /** The final answer to each publish, by session and id. */
  readonly answers: Map<string, ServerFrame>
  /** The newest `n` that was decided, by session and topic. */
  readonly decided: Map<string, number>
  /** When `answers` and `decided` were lost, in monotonic ms. */
  answersLost: number
  record(server: string, by: 'client' | 'server', session: string, leg: number, text: string): void
}

/** The faults of a server, which a test can set at any time. */
export interface Behaviour {
  /**
   * What happens to a dial. `open`: it is served. `refuses`: it fails. `hangs`: the handshake is never answered.
   * `mute`: it opens and is never welcomed. All others answer the `hello` with that error.
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
  /** Milliseconds, sent with `busy`. */
  retryAfter?: number
  /** False: publishes are applied and never answered. */
  acks: boolean
  /** Milliseconds between two replayed messages; live ones wait behind them. */
  replayInterval: number
}
