import type { Duplex } from 'node:stream'
import type { Arrival } from '../arrival.js'
import type { Failure } from '../failure.js'
import { LEAST_SEGMENT } from '../limits.js'
import type { PendingPlace } from './pending-connections.js'

/** What can be done with a leg that may not stay. */
export interface ArrivingLeg {
  fail(failure: Failure): void
  terminate(): void
}

export interface LegArrivalDeps {
  readonly address: string
  readonly stream: Duplex
  /**
   * Its place among the connections that are not welcomed yet; null if it is only accepted in order to be told why it
   * may not stay.
   */
  readonly place: PendingPlace | null
  /** Bytes. */
  readonly largestHello: number
  readonly turnedAway: TurnedAway
  /** The connection is no longer counted against the limits. Called once. */
  leave(): void
}

/** The most bytes that a connection that was turned away may still send: its close frame, and what was on its way. */
const LAST_WORDS = 1_024
/** The number of pieces of a `hello` that may be of any size. */
const FEW = 16

/**
 * Connections that were never welcomed and are being told why. Beyond the bound they are cut off as soon as the error
 * is sent.
 */
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

/** Watches a leg until it is welcomed or gone, and limits what it may send before that. */
export class LegArrival implements Arrival {
  readonly #deps: LegArrivalDeps
  #state: 'silent' | 'said' | 'welcomed' | 'ending' = 'silent'
  /**
   * The bytes of the frame that it has begun and not finished. Half a `hello` costs memory and does not say who sends
   * it.
   */
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

  /** Opens the leg, which may report events at once. */
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
    // It keeps nobody else out: connections that are turned away have a limit of their own.
    leave()
    if (this.#state === 'said') stream.on('data', this.#hear)
    // What it sent was a complete frame, even if a bad one, so the bytes are counted from zero while it is told why.
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

  /** No network path cuts a frame into such small pieces: somebody makes the server wake up for each byte. */
  #crumbled() {
    this.#leg?.fail({ code: 'protocol', message: 'A hello must not arrive in such small pieces.' })
    this.#leg?.terminate()
  }

  /** The error is already on its way to the client; nothing more is read from it. */
  #cutOff() {
    if (this.#deps.turnedAway.tooMany || this.#bytes > LAST_WORDS) this.#leg?.terminate()
  }

  #hearNoMore() {
    this.#deps.stream.off('data', this.#hear)
    this.#bytes = 0
  }
}
