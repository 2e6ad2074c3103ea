import { explain } from '../base/explanation.js'
import { instant, since } from '../base/clock.js'
import { LiveSocketError, type LiveSocketErrorCode, type LiveSocketErrorDetails } from '../base/errors.js'
import { frameBytes, isBinary, keepBinary, keepJson, KeptPublish } from './kept-data.js'
import type { Outbox, OutboxDeps, OutboxHandlers, PublishFrame, Published, PublishOptions } from './outbox-contract.js'
import { PublishQueue, type Entry, type PublishLeg } from './publish-queue.js'
import { refusalCode } from './refusal-code.js'

export type { Outbox, OutboxDeps, OutboxHandlers, PublishFrame, Published, PublishOptions } from './outbox-contract.js'

/**
 * The ordered queue of publishes (client rule 5). An entry leaves it when it settles, and only then: a leg that goes
 * puts its unanswered entries back in their places, to be sent again under the same id and `n`.
 */
export function createOutbox(deps: OutboxDeps, handlers: OutboxHandlers): Outbox {
  return new PublishOutbox(deps, handlers)
}

type Publish = Entry<Published>

class PublishOutbox implements Outbox {
  readonly #deps: OutboxDeps
  readonly #handlers: OutboxHandlers
  readonly #dedupes: boolean
  readonly #queue: PublishQueue<Published>
  /** `n` of the newest publish: one count for all topics, which rises in each of them. */
  #count = 0
  /** Why it takes no publishes. */
  #closed: string | null = null
  #pumping = false
  /** The wait for what the old leg owes. */
  #stopSettling: (() => void) | null = null
  /** The timer for the oldest unanswered publish. */
  #suspicion: { at: number; cancel: () => void } | null = null

  constructor(deps: OutboxDeps, handlers: OutboxHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.#dedupes = deps.dedupes ?? true
    this.#queue = new PublishQueue<Published>(this.#dedupes)
  }

  #remove(entry: Publish) {
    this.#queue.remove(entry)
    entry.release?.()
  }

  #fail(entry: Publish, code: LiveSocketErrorCode, message: string, details: LiveSocketErrorDetails = {}) {
    this.#remove(entry)
    entry.reject(new LiveSocketError(code, message, { topic: entry.topic, id: entry.id, ...details }))
    this.#handlers.changed()
  }

  #succeed(entry: Publish, published: Published) {
    this.#remove(entry)
    entry.resolve(published)
    this.#handlers.changed()
  }

  /** The application gives up, or its time is over: what was not sent did not happen, what was sent may have. */
  #abandon(entry: Publish, code: 'timeout' | 'aborted', reason: string, cause?: unknown) {
    this.#queue.abandon(entry)
    if (entry.firstSent)
      this.#fail(
        entry,
        'outcome-unknown',
        explain`${reason} after the publish was sent and before it was answered: it may have been applied`,
        { cause },
      )
    else this.#fail(entry, code, explain`${reason} before the publish was sent: it did not happen`, { cause })
    this.#pump()
    this.#handlers.settled?.()
  }

  #pump() {
    if (this.#pumping) return
    this.#pumping = true
    try {
      for (let entry = this.#queue.next(); entry && this.#queue.active; entry = this.#queue.next()) {
        if (entry.ttl !== Infinity && since(this.#deps.clock, entry.queued) >= entry.ttl) {
          this.#abandon(entry, 'timeout', 'its ttl passed')
          continue
        }
        const leg = this.#queue.active
        const age = entry.firstSent ? Math.round(since(this.#deps.clock, entry.firstSent)) : undefined
        if (entry.bytes + (age === undefined ? 0 : `,"age":${age}`.length) > leg.maxFrame) {
          this.#refuseSize(entry, explain`the server takes no frame over ${leg.maxFrame} bytes`)
          continue
        }
        if (!this.#put(entry, leg, age) && this.#queue.active === leg) break
      }
    } finally {
      this.#pumping = false
    }
    if (this.#stopSettling && !this.#queue.owes(this.#queue.old?.number)) this.#settleOld()
    this.#watch()
  }

  #put(entry: Publish, leg: PublishLeg, age: number | undefined): boolean {
    // Everything is noted before `send`: an answer, the leg's death or a close() may come from within it.
    const first = entry.firstSent
    const now = instant(this.#deps.clock)
    entry.firstSent ??= now
    entry.copies++
    entry.overdueAt = now.monotonic + entry.patience
    this.#queue.sent(entry)
    const { id, topic, n, kept } = entry
    const frame: PublishFrame =
      typeof kept === 'string'
        ? new KeptPublish(id, topic, n, kept, age)
        : { type: 'publish', id, topic, n, data: kept, age }
    const sent = this.#handlers.send(leg.number, frame)
    if (this.#queue.get(id) !== entry) return sent
    if (sent) {
      if (!this.#deps.acknowledges) this.#succeed(entry, { id })
    } else {
      entry.firstSent = first
      entry.copies--
      this.#queue.unsent(entry)
    }
    return sent
  }

  #refuseSize(entry: Publish, why: string) {
    // One that was on its way before may have been applied by a server that takes larger frames.
    if (entry.copies > 1 || (entry.copies === 1 && entry.leg === null))
      this.#fail(
        entry,
        'outcome-unknown',
        explain`${why}, and this publish of ${entry.bytes} bytes was sent before and never answered: it may have been applied`,
      )
    else
      this.#fail(
        entry,
        'too-large',
        explain`${why}, and this publish has ${entry.bytes}: split it, or raise the server's limit`,
      )
  }

  /**
   * One timer for the oldest unanswered publish on the active leg. It may ring early, never late: most are answered
   * long before.
   */
  #watch() {
    const at = this.#queue.oldest(!this.#dedupes)?.overdueAt ?? null
    if (at !== null && this.#suspicion && this.#suspicion.at <= at) return
    this.#suspicion?.cancel()
    this.#suspicion =
      at === null
        ? null
        : { at, cancel: this.#deps.clock.setTimeout(() => this.#ring(), at - this.#deps.clock.monotonic()) }
  }

  #ring() {
    this.#suspicion = null
    const entry = this.#queue.oldest(!this.#dedupes)
    if (entry?.leg && entry.overdueAt <= this.#deps.clock.monotonic()) {
      if (this.#dedupes) {
        entry.patience *= 2
        entry.overdueAt = this.#deps.clock.monotonic() + entry.patience
        this.#handlers.overdue(entry.leg.number)
      } else {
        this.#fail(
          entry,
          'outcome-unknown',
          explain`the server has not answered the publish in outbox.ackTimeout, and takes none twice: it may have been applied`,
        )
        this.#pump()
        this.#handlers.settled?.()
      }
    }
    this.#watch()
  }

  /** What was sent once and may not be sent again. */
  #forgetLost(why: string) {
    for (const entry of this.#queue.all())
      if (entry.firstSent && entry.leg === null)
        this.#fail(entry, 'outcome-unknown', explain`${why} before the publish was answered: it may have been applied`)
  }

  /** The wait for what the old leg owes begins, or is over. */
  #settleOld() {
    this.#stopSettling?.()
    this.#stopSettling = null
    if (!this.#queue.owes(this.#queue.old?.number)) return
    this.#stopSettling = this.#deps.clock.setTimeout(() => {
      this.#stopSettling = null
      this.#queue.giveUpOld()
      this.#pump()
      this.#handlers.settled?.()
    }, this.#deps.settleTimeout)
  }

  /** The entry that an answer is for; one that was never sent has none. */
  #answered(id: string): Publish | undefined {
    this.#queue.answered(id)
    const entry = this.#queue.get(id)
    return entry?.firstSent ? entry : undefined
  }

  publish(topic: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    const { signal, ttl = Infinity } = options
    const refuse = (code: LiveSocketErrorCode, message: string, cause?: unknown) =>
      Promise.reject(new LiveSocketError(code, message, { ...(typeof topic === 'string' ? { topic } : {}), cause }))
    if (this.#closed !== null) return refuse('closed', this.#closed)
    if (typeof topic !== 'string' || topic === '')
      return refuse('invalid', explain`a topic is a string that is not empty`)
    if (typeof ttl !== 'number' || !(ttl > 0))
      return refuse('invalid', explain`ttl is a number of milliseconds above 0`)
    if (signal?.aborted)
      return refuse(
        'aborted',
        explain`its signal was aborted before the publish was made: it did not happen`,
        signal.reason,
      )
    const kept = isBinary(data) ? keepBinary(data, this.#deps.binary) : keepJson(data)
    if ('invalid' in kept) return refuse('invalid', explain`the data cannot be published: ${kept.invalid}`, kept.cause)
    // Serialising runs the application's code (toJSON, getters), which may have closed or aborted meanwhile.
    if (this.#closed !== null) return refuse('closed', this.#closed)
    if (signal?.aborted)
      return refuse(
        'aborted',
        explain`its signal was aborted before the publish was made: it did not happen`,
        signal.reason,
      )
    const id = this.#deps.id()
    const size = frameBytes(id, topic, this.#count + 1, kept.kept)
    const full = this.#overBounds(size)
    if (full) return refuse(...full)
    const outcome = new Promise<Published>((resolve, reject) => {
      const entry: Publish = {
        id,
        topic,
        n: ++this.#count,
        kept: kept.kept,
        bytes: size,
        queued: instant(this.#deps.clock),
        ttl,
        leg: null,
        firstSent: null,
        copies: 0,
        overdueAt: 0,
        patience: this.#deps.ackTimeout,
        resolve,
        reject,
        release: null,
      }
      if (signal || ttl !== Infinity) this.#limit(entry, signal)
      this.#queue.add(entry)
      this.#handlers.changed()
      this.#pump()
    })
    return Object.assign(outcome, { id })
  }

  /** Why a publish of that size cannot be taken now. */
  #overBounds(size: number): [LiveSocketErrorCode, string] | null {
    const { messages, bytes } = this.#queue.size
    const maxFrame = this.#queue.active?.maxFrame ?? Infinity
    if (size > maxFrame)
      return [
        'too-large',
        explain`the server takes no frame over ${maxFrame} bytes, and this publish has ${size}: split it, or raise the server's limit`,
      ]
    if (messages >= this.#deps.maxMessages)
      return [
        'outbox-full',
        explain`${messages} publishes are waiting or unanswered, the most that outbox.maxMessages allows: wait for some of them to settle`,
      ]
    if (bytes + size > this.#deps.maxBytes)
      return [
        'outbox-full',
        size > this.#deps.maxBytes
          ? explain`the publish has ${size} bytes, and outbox.maxBytes allows ${this.#deps.maxBytes} in all: split it, or raise the option`
          : explain`${bytes} bytes are waiting or unanswered, and these ${size} would pass the ${this.#deps.maxBytes} that outbox.maxBytes allows: wait for some publishes to settle`,
      ]
    return null
  }

  /** It is given up at the signal, and when its time is over. */
  #limit(entry: Publish, signal: AbortSignal | undefined) {
    const abort = () => this.#abandon(entry, 'aborted', 'its signal was aborted', signal?.reason)
    const timeOut = () => this.#abandon(entry, 'timeout', 'its ttl passed')
    const cancel = entry.ttl === Infinity ? undefined : this.#deps.clock.setTimeout(timeOut, entry.ttl)
    signal?.addEventListener('abort', abort, { once: true })
    entry.release = () => {
      cancel?.()
      signal?.removeEventListener('abort', abort)
    }
  }

  ready(number: number, maxFrame = Infinity) {
    if (this.#closed !== null) return
    const another = this.#queue.active?.number !== number
    this.#queue.activate(number, maxFrame)
    if (another) this.#settleOld()
    if (!this.#dedupes) this.#forgetLost(explain`the leg that it was sent on was left`)
    this.#pump()
  }

  gone(number: number) {
    if (!this.#queue.drop(number)) return
    if (!this.#dedupes) this.#forgetLost(explain`the leg that it was sent on is gone`)
    this.#settleOld()
    this.#pump()
  }

  acked(id: string, offset?: number, data?: unknown, epoch?: string) {
    const entry = this.#answered(id)
    if (entry) {
      const published: { -readonly [Name in keyof Published]: Published[Name] } = { id }
      if (offset !== undefined) published.offset = offset
      if (epoch !== undefined) published.epoch = epoch
      if (data !== undefined) published.data = data
      this.#succeed(entry, published)
    }
    this.#pump()
  }

  nacked(id: string, code: string, message: string, retryAfter?: number, leg?: number, data?: unknown) {
    const entry = this.#answered(id)
    // A server that has no record of a first copy speaks for that copy only: the leg that it was sent on anew has the
    // answer.
    const elsewhere = entry?.leg && leg !== undefined && leg !== entry.leg.number
    if (entry && !(elsewhere && (code === 'outcome-unknown' || code === 'out-of-order'))) {
      if (retryAfter !== undefined) entry.copies--
      const refusal = message || code
      const told = { reason: code, data }
      if (code === 'outcome-unknown')
        this.#fail(
          entry,
          'outcome-unknown',
          explain`the server cannot tell whether the publish was applied: ${message}`,
        )
      else if (retryAfter === undefined) this.#fail(entry, refusalCode(code), refusal, told)
      else if (entry.copies === 0) this.#fail(entry, 'refused', refusal, { ...told, retryAfter })
      else if (leg === undefined || leg === entry.leg?.number)
        this.#fail(
          entry,
          'outcome-unknown',
          explain`${refusal}; it was sent before on another leg and never answered there: it may have been applied`,
        )
    }
    this.#pump()
  }

  tooLarge(id: string) {
    const entry = this.#answered(id)
    if (entry) this.#refuseSize(entry, explain`the server refused its size`)
    this.#pump()
  }

  settled(number: number) {
    return !this.#queue.owes(number)
  }

  get size() {
    return this.#queue.size
  }

  close(message = explain`the live socket was closed before the publish was sent: it did not happen`) {
    if (this.#closed !== null) return
    this.#closed = message
    this.#queue.detach()
    this.#settleOld()
    this.#watch()
    for (const entry of this.#queue.all()) {
      if (this.#queue.get(entry.id) !== entry) continue
      if (entry.firstSent)
        this.#fail(
          entry,
          'outcome-unknown',
          explain`the live socket was closed before the publish was answered: it may have been applied`,
        )
      else this.#fail(entry, 'closed', message)
    }
  }

  open() {
    this.#closed = null
  }
}
