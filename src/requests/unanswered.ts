import type { Outbox, Published, PublishOptions } from '../publishes/outbox.js'
import type { RequestOptions, Requests } from './requests.js'

/** What makes each kind when the first of it is asked for. */
export interface UnansweredMaker {
  makeOutbox(): Outbox
  makeRequests(): Requests
  /** The leg that serves. */
  readonly serving: { readonly leg: number; readonly maxFrame: number | undefined } | null
}

/** What waits for answers, of both kinds. Legs and their answers are told to both: each knows which ids are its own. */
export class Unanswered {
  readonly #maker: UnansweredMaker
  #outbox: Outbox | null = null
  #requests: Requests | null = null
  /** Why nothing is taken; null: everything is. */
  #closed: string | null = null

  constructor(maker: UnansweredMaker) {
    this.#maker = maker
  }

  publish(topic: string, data: unknown, options?: PublishOptions): Promise<Published> {
    this.#outbox ??= this.#begin(this.#maker.makeOutbox())
    return this.#outbox.publish(topic, data, options)
  }

  request(method: string, data: unknown, options?: RequestOptions): Promise<unknown> {
    this.#requests ??= this.#begin(this.#maker.makeRequests())
    return this.#requests.request(method, data, options)
  }

  get size(): Outbox['size'] {
    return this.#outbox?.size ?? { messages: 0, bytes: 0 }
  }

  /** `leg` is the active one from now on, or takes more. */
  ready(leg: number, maxFrame?: number): void {
    this.#outbox?.ready(leg, maxFrame)
    this.#requests?.ready(leg, maxFrame)
  }

  gone(leg: number): void {
    this.#outbox?.gone(leg)
    this.#requests?.gone(leg)
  }

  acked(id: string, offset?: number, data?: unknown, epoch?: string): void {
    if (!this.#requests?.acked(id, data)) this.#outbox?.acked(id, offset, data, epoch)
  }

  nacked(id: string, code: string, message: string, retryAfter?: number, leg?: number, data?: unknown): void {
    if (!this.#requests?.nacked(id, code, message, retryAfter, data))
      this.#outbox?.nacked(id, code, message, retryAfter, leg, data)
  }

  tooLarge(id: string): void {
    if (!this.#requests?.nacked(id, 'too-large', 'its frame is too large')) this.#outbox?.tooLarge(id)
  }

  /** Whether nothing is unanswered on that leg. */
  settled(leg: number): boolean {
    return this.#outbox?.settled(leg) !== false && this.#requests?.settled(leg) !== false
  }

  /** Settles everything at once, until `open`. */
  close(message: string): void {
    this.#closed = message
    this.#outbox?.close(message)
    this.#requests?.close(message)
  }

  open(): void {
    this.#closed = null
    this.#outbox?.open()
    this.#requests?.open()
  }

  #begin<Part extends Outbox | Requests>(part: Part): Part {
    const { serving } = this.#maker
    if (serving) part.ready(serving.leg, serving.maxFrame)
    if (this.#closed !== null) part.close(this.#closed)
    return part
  }
}
