import type { Duplex } from 'node:stream'
import type { Arrival } from '../arrival.js'
import type { Failure } from '../failure.js'
import { LEAST_SEGMENT } from '../limits.js'
import type { PendingPlace } from './pending-connections.js'

/** What is done with a leg that may not stay. */
export interface ArrivingLeg {
  fail(failure: Failure): void
  terminate(): void
}

export interface LegArrivalDeps {
  readonly address: string
  readonly stream: Duplex
  /** Among those who are not welcomed yet; null where it is only let in to be told why it may not stay. */
  readonly place: PendingPlace | null
  /** Bytes. */
  readonly largestHello: number
  readonly turnedAway: TurnedAway
  /** It counts no longer among the connections that there may be. Called once. */
  leave(): void
}

/** What a connection that was turned away may still say, and no more: its close frame, and what was on its way. */
const LAST_WORDS = 1_024
/** Pieces of a hello that may be as small as they like. */
const FEW = 16

/** Connections that were never welcomed and are being told why. Beyond the bound they are cut off with what was sent. */
export class TurnedAway {
  readonly #most: number
  count = 0

  constructor(most: number) {
    this.#most = most
  }

  get full(): boolean {
    return this.count >= this.#most
  }

  get tooMany(): boolean {
    return this.count > this.#most
  }
}

/** Follows a leg until it is welcomed or gone, and bounds what it says before that. */
export class LegArrival implements Arrival {
  readonly #deps: LegArrivalDeps
  #state: 'silent' | 'said' | 'welcomed' | 'ending' = 'silent'
  /** Of what it has begun to say and not finished: half a hello costs memory, and says nothing of who sends it. */
  #bytes = 0
  #pieces = 0
  #leg: ArrivingLeg | null = null

  constructor(deps: LegArrivalDeps) {
    this.#deps = deps
    deps.stream.on('data', this.#hear)
  }

  get address(): string {
    return this.#deps.address
  }

  /** The leg begins. It may tell of itself at once. */
  begin(open: () => ArrivingLeg): ArrivingLeg {
    return (this.#leg = open())
  }

  said() {
    this.#state = 'said'
    this.#hearNoMore()
    this.#deps.place?.said()
  }

  welcomed() {
    this.#state = 'welcomed'
    this.#deps.place?.leave()
  }

  ending() {
    const { place, stream, turnedAway, leave } = this.#deps
    place?.leave()
    if (this.#state === 'welcomed') return
    // It keeps nobody else out: those who are turned away have a bound of their own.
    leave()
    if (this.#state === 'said') stream.on('data', this.#hear)
    // What it has said was a whole frame, if a bad one: it is told why.
    this.#bytes = 0
    this.#state = 'ending'
    turnedAway.count++
    queueMicrotask(() => this.#cutOff())
  }

  gone() {
    const { place, turnedAway, leave } = this.#deps
    this.#hearNoMore()
    place?.leave()
    if (this.#state === 'ending') turnedAway.count--
    else leave()
  }

  readonly #hear = (piece: Buffer) => {
    const { place, largestHello } = this.#deps
    this.#bytes += piece.length
    this.#pieces++
    place?.holdsMore(piece.length)
    if (this.#state === 'ending') this.#cutOff()
    else if (this.#pieces > FEW && this.#bytes < this.#pieces * LEAST_SEGMENT) this.#crumbled()
    else if (this.#bytes > largestHello)
      this.#leg?.fail({ code: 'too-large', message: `A hello must have at most ${largestHello} bytes.` })
  }

  /** No path cuts a frame so small: somebody makes the server wake up for each byte. */
  #crumbled() {
    this.#leg?.fail({ code: 'protocol', message: 'A hello must not come in crumbs.' })
    this.#leg?.terminate()
  }

  /** What was sent to it is on its way; more of it is not listened to. */
  #cutOff() {
    if (this.#deps.turnedAway.tooMany || this.#bytes > LAST_WORDS) this.#leg?.terminate()
  }

  #hearNoMore() {
    this.#deps.stream.off('data', this.#hear)
    this.#bytes = 0
  }
}
