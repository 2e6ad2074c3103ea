import { instant, since, type Clock, type Instant } from '../base/clock.js'
import type { Network } from '../host/network.js'

/** A hint that only this client was hit explains a close for so long, ms. */
const LASTS = 3_000

/** What this side knows of a close that its server does not: that only this client was hit, that the page is being left. */
export class LocalEvidence {
  readonly #clock: Clock
  readonly #network: Network
  #hintAt: Instant | null = null
  #leavingAt: Instant | null = null
  /** A frame has come since the network last changed. */
  #heard = false

  constructor(clock: Clock, network: Network) {
    this.#clock = clock
    this.#network = network
  }

  /** A change of network, a wake, silence. */
  hint(): void {
    this.#hintAt = instant(this.#clock)
  }

  /**
   * The page may be left, or not: Firefox closes its sockets now, with a clean 1001, as a server does that goes away.
   */
  leaving(): void {
    this.#leavingAt = instant(this.#clock)
  }

  heard(): void {
    this.#heard = true
  }

  networkChanged(): void {
    this.#heard = false
  }

  get onlyMe(): boolean {
    return this.#lately(this.#hintAt) || this.mayBeLeaving || !this.#network.online()
  }

  get mayBeLeaving(): boolean {
    return this.#lately(this.#leavingAt)
  }

  /**
   * Whether there is a network. On some systems the browser takes itself for offline for good: what arrives on the leg
   * that serves is better evidence.
   */
  online(serving: boolean): boolean {
    return this.#network.online() || (this.#heard && serving)
  }

  #lately(at: Instant | null): boolean {
    return at !== null && since(this.#clock, at) < LASTS
  }
}
