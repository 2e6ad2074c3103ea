import type { LiveSocketError } from '../base/errors.js'
import type { ProtocolLeg } from '../legs/protocol-leg.js'

/** A leg, and what the handover knows about it. */
export interface HandoverLeg extends ProtocolLeg {
  readonly number: number
  /** The id of the server's request that caused this leg. */
  readonly handover: string | undefined
  /**
   * Topics that its server refused before welcoming the leg, or ended while the leg was being left. They are reported
   * when the leg serves, or goes on serving, which may never happen.
   */
  refusals: Map<string, LiveSocketError> | null
  /**
   * Whether it has lived long enough to be trusted: a leg that is accepted and closed at once, again and again, is no
   * success.
   */
  readonly lasted: boolean
  /** Returns the refusals and clears them, so that each is reported once. */
  takeRefusals(): ReadonlyMap<string, LiveSocketError>
  /** Its dial was under way when a hint arrived that only this client was hit. */
  suspect: boolean
  /**
   * It existed when the page was told that the user may be leaving. That navigation does not close a leg dialled later.
   */
  leaving: boolean
}
