import type { HandoverLeg } from './handover-leg.js'

/**
 * The legs that are open or being dialled: those that the machine's state names. Events of any other leg are ignored.
 */
export class LegRoster {
  /** A new array after each change, since a listener may remove a leg while the array is walked. */
  all: readonly HandoverLeg[] = []

  /** Undefined if no leg has that number. */
  get(number: number | undefined): HandoverLeg | undefined {
    return this.all.find((leg) => leg.number === number)
  }

  add(leg: HandoverLeg): void {
    this.all = this.all.concat(leg)
  }

  delete(leg: HandoverLeg): void {
    this.all = this.all.filter((other) => other !== leg)
  }
}
