import type { LiveSocketError } from '../base/errors.js'
import type { ProtocolLeg } from '../legs/protocol-leg.js'

/** A leg, and what is known of it here. */
export interface HandoverLeg extends ProtocolLeg {
  readonly number: number
  /** The id of the server's request that caused it. */
  readonly handover: string | undefined
  /**
   * Topics that its server refused before it welcomed the leg, or ended when it was left: told when it serves, or goes
   * on to, which it may never do.
   */
  refusals: Map<string, LiveSocketError> | null
  /** It has lived long enough to be trusted: one that is accepted and closed at once, again and again, is no success. */
  readonly lasted: boolean
  /** Each is told once. */
  takeRefusals(): ReadonlyMap<string, LiveSocketError>
  /** Its dial was under way when a hint came that only this client was hit. */
  suspect: boolean
  /** It was there when the page was told that it may be left. What is dialled afterwards no such navigation closes. */
  leaving: boolean
}
