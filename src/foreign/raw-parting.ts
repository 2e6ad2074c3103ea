import type { ClientFrame } from '../protocol/frames.js'
import type { Line } from '../protocol/protocol.js'
import { attempt, pieces } from './raw-frames.js'
import type { RawProtocolOptions } from './raw-options.js'

/**
 * Milliseconds that a leg being left may go on answering publishes before its topics are taken away: a slow round trip.
 */
const ANSWER_TIME = 1_000

/** How many unanswered publishes are remembered: as many as the outbox holds by default. */
const REMEMBERED = 1_000

/**
 * A leg that is being left, and when nothing follows on it: the server says so, or answers a ping. Pings are answered
 * in the order in which they were sent, so the answer to an earlier one proves nothing about later frames.
 */
export class RawParting {
  readonly #raw: RawProtocolOptions
  readonly #line: Line
  /** Publishes without an answer, if leaving takes the leg's topics away. */
  readonly #unanswered = new Set<string>()
  #pings = 0
  #pongs = 0
  /** The number of the pong after which nothing follows. */
  #last = Infinity
  #stopWaiting: (() => void) | null = null

  constructor(raw: RawProtocolOptions, line: Line) {
    this.#raw = raw
    this.#line = line
  }

  written(frame: ClientFrame): void {
    if (frame.type === 'ping') this.#pings++
    if (frame.type !== 'publish' || !this.#raw.leave || !this.#raw.answer) return
    const unanswered = this.#unanswered.add(frame.id)
    if (unanswered.size > REMEMBERED) unanswered.delete(unanswered.values().next().value!)
  }

  answered(id: string): void {
    this.#unanswered.delete(id)
    if (this.#stopWaiting && this.#unanswered.size === 0) this.#leave()
  }

  /** Returns true if nothing follows after this pong. */
  ponged(): boolean {
    if (++this.#pongs < this.#last) return false
    this.#last = Infinity
    return true
  }

  leave(): void {
    this.stop()
    if (this.#unanswered.size === 0) return this.#leave()
    this.#stopWaiting = this.#line.clock.setTimeout(() => this.#leave(), ANSWER_TIME)
  }

  /** Returns true if the leg was about to leave and now does not. */
  stop(): boolean {
    const waits = this.#stopWaiting !== null
    this.#stopWaiting?.()
    this.#stopWaiting = null
    return waits
  }

  #leave() {
    this.stop()
    const goodbye = pieces(attempt(() => this.#raw.leave?.()))
    // The server says itself when nothing follows.
    if (goodbye.length > 0) return void this.#line.put(goodbye)
    const ping = pieces(attempt(() => this.#raw.ping?.()))
    if (ping.length > 0 && this.#line.put(ping)) this.#last = ++this.#pings
  }
}
