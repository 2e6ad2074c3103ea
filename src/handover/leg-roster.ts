import type { LiveSocketError } from '../base/errors.js'
import type { ProtocolLeg } from '../legs/protocol-leg.js'

/** A leg, and what is known of it here. */
export interface RosterEntry {
  readonly leg: ProtocolLeg
  /**
   * Topics that its server refused before it welcomed the leg, or ended when it was left: told when it serves, or goes
   * on to, which it may never do.
   */
  refusals: Map<string, LiveSocketError> | null
  /** Its dial was under way when a hint came that only this client was hit. */
  suspect: boolean
  /** It was there when the page was told that it may be left. What is dialled afterwards no such navigation closes. */
  leaving: boolean
}

/** The legs that are open or being dialled: those that the machine's state names. */
export class LegRoster {
  /** Another array after each change: who is told of one may make another one go. */
  all: readonly RosterEntry[] = []

  of(number: number | undefined): ProtocolLeg | undefined {
    return this.#entry(number)?.leg
  }

  add(entry: RosterEntry): void {
    this.all = this.all.concat(entry)
  }

  /** It is closed, or gone: what is still said of it is not heard. Undefined: it was not there any more. */
  forget(number: number): ProtocolLeg | undefined {
    const leg = this.of(number)
    this.all = this.all.filter((other) => other.leg !== leg)
    return leg
  }

  takeRefusals(number: number | undefined): LiveSocketError[] {
    const entry = this.#entry(number)
    const refusals = [...(entry?.refusals?.values() ?? [])]
    if (entry) entry.refusals = null
    return refusals
  }

  #entry(number: number | undefined): RosterEntry | undefined {
    return this.all.find(({ leg }) => leg.number === number)
  }
}
