import type { HandoverLeg } from './handover-leg.js'

/**
 * The legs that are open or being dialled: those that the machine's state names. What is still said of one that is not
 * among them is not heard.
 */
export class LegRoster {
  /** Another array after each change: who is told of one may make another one go. */
  all: readonly HandoverLeg[] = []

  /** None is of no number. */
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
