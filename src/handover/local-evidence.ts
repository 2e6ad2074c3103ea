import type { Clock } from '../base/clock.js'
import { createPeriod, type Period } from '../base/period.js'
import type { Network } from '../host/network.js'

/** How long, in ms, a hint that only this client was hit explains a close. */
const LASTS = 3_000

/**
 * What this client knows about a close that its server does not: that only this client was hit, or that the page is
 * being left.
 */
export class LocalEvidence {
  readonly #network: Network
  readonly #hinted: Period
  readonly #leaving: Period
  /** A frame has arrived since the network last changed. */
  #heard = false

  constructor(clock: Clock, network: Network) {
    this.#network = network
    this.#hinted = createPeriod(clock)
    this.#leaving = createPeriod(clock)
  }

  /** A change of network, a wake, or silence. */
  hint(): void {
    this.#hinted.start(LASTS)
  }

  /**
   * The user may be leaving the page. Firefox then closes its sockets with a clean 1001, like a server that goes away.
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
   * Whether there is a network. On some systems the browser permanently reports offline; frames on the serving leg are
   * better evidence.
   */
  online(serving: boolean): boolean {
    return this.#network.online() || (this.#heard && serving)
  }
}
