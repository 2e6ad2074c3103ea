import type { AdmissionStats } from './admission/admission.js'
import type { Counters } from './counters.js'
import type { LogSize } from './log/topic-log.js'
import type { Timings } from './timings.js'

/** What a server holds and has done since its start. */
export interface ServerStats extends Counters {
  /** Of this process, as `welcome` names it to clients. */
  readonly id: string
  /** Sockets now, welcomed or not. */
  readonly connections: number
  /** Legs now. */
  readonly legs: number
  /** Topics that a leg here reads now. */
  readonly topics: number
  /** Publishes that waited for readers, or so that others had their turn. */
  readonly slowed: number
  /** How new legs come in. `greeted`: those welcomed in the last whole second. */
  readonly admission: AdmissionStats & { readonly greeted: number }
  /** How long things have taken. */
  readonly timings: Timings
  /** Of a memory log. */
  readonly log?: LogSize
  /** Whether it is being emptied. */
  readonly draining: boolean
  /** Why the log cannot be asked now; null while it can. Meanwhile publishes are refused, and nobody new comes in. */
  readonly logAway: string | null
}
