import type { AdmissionStats } from './admission/admission.js'
import type { Counters } from './counters.js'
import type { LogSize } from './log/topic-log.js'
import type { Timings } from './timings.js'

/** What a server holds and has done since its start. */
export interface ServerStats extends Counters {
  /** The name of this process, as clients get it in `welcome`. */
  readonly id: string
  /** Sockets at present, welcomed or not. */
  readonly connections: number
  /** Legs at present. */
  readonly legs: number
  /** Topics that legs here read at present. */
  readonly topics: number
  /** Publishes that waited until readers caught up, or so that other clients had their turn. */
  readonly slowed: number
  /** How new legs are let in. `greeted`: those welcomed in the last whole second. */
  readonly admission: AdmissionStats & { readonly greeted: number }
  /** How long things have taken. */
  readonly timings: Timings
  /** The size of a memory log; absent for other logs. */
  readonly log?: LogSize
  /** Whether the server is draining. */
  readonly draining: boolean
  /**
   * Why the log cannot be reached at present; null while it can. Meanwhile publishes are refused, and no new client is
   * welcomed.
   */
  readonly logAway: string | null
}
