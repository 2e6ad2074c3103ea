import type { Clock } from '../base/clock.js'
import { createPeriod, type Period } from '../base/period.js'
import type { Network } from '../host/network.js'

/** A hint that only this client was hit explains a close for so long, ms. */
const LASTS = 3_000

/** What this side knows of a close that its server does not: that only this client was hit, that the page is being left. */
export class LocalEvidence {
  readonly #network: Network
  readonly #hinted: Period
  readonly #leaving: Period
  /** A frame has come since the network last changed. */
  #heard = false

  constructor(clock: Clock, network: Network) {
    this.#network = network
    this.#hinted = createPeriod(clock)
    this.#leaving = createPeriod(clock)
  }

  /** A change of network, a wake, silence. */
  hint(): void {
    this.#hinted.start(LASTS)
  }

  /**
   * The page may be left, or not: Firefox closes its sockets now, with a clean 1001, as a server does that goes away.
   */
  leaving(): void {
    this.#leaving.start(LASTS)
  }

  heard(): void {
    this.#heard = true
  }

  networkChanged(): void {
    this.#heard = false
  }

  get onlyMe(): boolean {
    return this.#hinted.left > 0 || this.mayBeLeaving || !this.#network.online()
  }

  get mayBeLeaving(): boolean {
    return this.#leaving.left > 0
  }

  /**
   * Whether there is a network. On some systems the browser takes itself for offline for good: what arrives on the leg
   * that serves is better evidence.
   */
  online(serving: boolean): boolean {
    return this.#network.online() || (this.#heard && serving)
  }
}
