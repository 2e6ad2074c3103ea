import type { LiveSocketError } from '../base/errors.js'
import type { Dial } from './dial.js'

/** The legs that are open or being dialled: those that the machine's state names. */
export class LegRoster {
  /** Another array after each change: who is told of one may make another one go. */
  all: readonly Dial[] = []

  of(number: number | undefined): Dial | undefined {
    return this.all.find((leg) => leg.number === number)
  }

  add(leg: Dial): void {
    this.all = this.all.concat(leg)
  }

  /** It is closed, or gone: what is still said of it is not heard. Undefined: it was not there any more. */
  forget(number: number): Dial | undefined {
    const leg = this.of(number)
    this.all = this.all.filter((other) => other !== leg)
    return leg
  }

  takeRefusals(number: number | undefined): LiveSocketError[] {
    const leg = this.of(number)
    const refusals = [...(leg?.refusals?.values() ?? [])]
    if (leg) leg.refusals = null
    return refusals
  }
}
