import { explain } from '../base/explanation.js'
import { instant, since } from '../base/clock.js'
import type { LiveSocketError, LiveSocketErrorCode } from '../base/errors.js'
import type { AckFrame } from '../protocol/frames.js'
import { keep } from './kept-frame.js'
import type {
  Outbox,
  OutboxDeps,
  OutboxHandlers,
  Owed,
  OwedFrame,
  Published,
  PublishOptions,
  Refusal,
  Sending,
} from './outbox-contract.js'
import { OutboxQueue, type Entry, type OutboxLeg } from './outbox-queue.js'
import { failure, refusal } from './refusal.js'

export type { Outbox, OutboxDeps, OutboxHandlers, PublishFrame, Published, PublishOptions } from './outbox-contract.js'

/**
 * What was sent and is owed an answer: publishes, in order (client rule 5), and requests. An entry leaves it when it
 * settles, and only then: a leg that goes puts its unanswered entries back in their places, to be sent again under the
 * same id, or settles those that may not be.
 */
export function createOutbox(deps: OutboxDeps, handlers: OutboxHandlers): Outbox {
  return new LegOutbox(deps, handlers)
}

class LegOutbox implements Outbox {
  readonly #deps: OutboxDeps
  readonly #handlers: OutboxHandlers
  readonly #queue = new OutboxQueue()
  /** `n` of the newest publish: one count for all topics, which rises in each of them. */
  #count = 0
  #pumping = false
  /** The wait for what the old leg owes. */
  #stopSettling: (() => void) | null = null
  /** The timer for the oldest unanswered publish. */
  #suspicion: { at: number; cancel: () => void } | null = null

  constructor(deps: OutboxDeps, handlers: OutboxHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    const { serving } = handlers
    if (serving) this.#queue.activate(serving.leg, serving.maxFrame)
  }

  // What is to be sent.

  publish(topic: string, data: unknown, { signal, ttl }: PublishOptions = {}): Promise<Published> {
    const { id: newId, binary, dedupes = true, ackTimeout } = this.#deps
    const id = newId()
    let frame
    try {
      frame = keep({ type: 'publish', id, topic, n: ++this.#count }, data, binary)
    } catch (unsendable) {
      return Promise.reject(unsendable as Error)
    }
    const sending = { lane: topic, repeatable: dedupes, ackTimeout, limit: ttl, signal }
    return Object.assign(this.add(frame, sending), { id })
  }

  add(frame: Owed, { lane, repeatable, ackTimeout, limit = Infinity, signal }: Sending): Promise<Published> {
    const { bytes } = frame
    const refused = this.#refused(frame, bytes, limit)
    if (refused) return Promise.reject(refused)
    return new Promise((resolve, reject) => {
      // Field by field: an object that so many are spread into is many times slower.
      const entry: Entry = {
        frame,
        bytes,
        lane,
        repeatable,
        patience: ackTimeout,
        limit,
        queued: null,
        leg: null,
        firstSent: null,
        copies: 0,
        overdueAt: 0,
        resolve,
        reject,
        release: null,
      }
      // What throws here, or was aborted before, is never taken.
      if (signal || limit !== Infinity) this.#limit(entry, signal)
      if (!signal?.aborted) this.#queue.add(entry)
      this.#handlers.changed()
      this.#pump()
    })
  }

  /** Why it cannot be taken now. */
  #refused(frame: OwedFrame, size: number, limit: number): LiveSocketError | null {
    const { closed } = this.#handlers
    const { maxMessages, maxBytes } = this.#deps
    const { messages, bytes } = this.#queue.size[frame.type]
    if (closed !== null) return failure(frame, 'closed', closed)
    if (typeof limit !== 'number' || !(limit > 0))
      return failure(frame, 'invalid', explain`its time is a number of milliseconds above 0`)
    if (messages >= maxMessages)
      return failure(
        frame,
        'outbox-full',
        explain`${messages} wait to be sent or answered, the most that outbox.maxMessages allows: wait for some of them to settle`,
      )
    if (bytes + size > maxBytes)
      return failure(
        frame,
        'outbox-full',
        explain`it has ${size} bytes, others of ${bytes} wait to be sent or answered, and outbox.maxBytes allows ${maxBytes} in all: wait for some of them to settle, split it, or raise the option`,
      )
    return null
  }

  /** It is given up at the signal, and when its time is over. */
  #limit(entry: Entry, signal: AbortSignal | undefined) {
    entry.queued = instant(this.#deps.clock)
    const abort = () => this.#abandon(entry, 'aborted', explain`its signal was aborted`, signal?.reason)
    const timeOut = () => this.#abandon(entry, 'timeout', explain`its time was over`)
    signal?.addEventListener('abort', abort, { once: true })
    const cancel = entry.limit === Infinity ? undefined : this.#deps.clock.setTimeout(timeOut, entry.limit)
    entry.release = () => {
      cancel?.()
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted) abort()
  }

  // How it settles.

  #remove(entry: Entry) {
    this.#queue.remove(entry)
    entry.release?.()
    this.#handlers.changed()
  }

  #fail(entry: Entry, error: LiveSocketError) {
    this.#remove(entry)
    entry.reject(error)
  }

  #succeed(entry: Entry, { id, offset, epoch, data }: Omit<AckFrame, 'type'>) {
    this.#remove(entry)
    const published: { -readonly [Name in keyof Published]: Published[Name] } = { id }
    if (offset !== undefined) published.offset = offset
    if (epoch !== undefined) published.epoch = epoch
    if (data !== undefined) published.data = data
    entry.resolve(published)
  }

  /** There will be no answer: what was not sent did not happen, what was sent may have. */
  #giveUp(entry: Entry, code: LiveSocketErrorCode, why: string, cause?: unknown) {
    this.#fail(
      entry,
      entry.firstSent
        ? failure(
            entry.frame,
            'outcome-unknown',
            explain`${why} before it was answered: it may have been applied`,
            cause,
          )
        : failure(entry.frame, code, explain`${why} before it was sent: it did not happen`, cause),
    )
  }

  /** The application gives it up, or its time is over. */
  #abandon(entry: Entry, code: 'timeout' | 'aborted', why: string, cause?: unknown) {
    const { frame, leg } = entry
    if (frame.type === 'publish') this.#queue.abandon(entry)
    this.#giveUp(entry, code, why, cause)
    if (frame.type === 'request' && leg) this.#handlers.send(leg.number, { type: 'cancel', id: frame.id })
    this.#pump()
    this.#handlers.settled?.()
  }

  /** What was sent and may not be sent again, now that its leg was left. */
  #forgetLost() {
    for (const entry of this.#queue.all())
      if (!entry.repeatable && entry.firstSent && !entry.leg)
        this.#giveUp(entry, 'outcome-unknown', explain`its leg ended`)
  }

  /** The entry that an answer is for; one that was never sent has none. */
  #answered(id: string): Entry | undefined {
    this.#queue.answered(id)
    const entry = this.#queue.get(id)
    return entry?.firstSent ? entry : undefined
  }

  acked(ack: Omit<AckFrame, 'type'>) {
    const entry = this.#answered(ack.id)
    if (entry) this.#succeed(entry, ack)
    this.#pump()
  }

  nacked(nack: Refusal, leg?: number) {
    const entry = this.#answered(nack.id)
    if (entry) this.#nack(entry, nack, leg === undefined || leg === entry.leg?.number)
    this.#pump()
  }

  /** `here`: the leg says so that it was sent on last. */
  #nack(entry: Entry, nack: Refusal, here: boolean) {
    const { type, code, message, retryAfter } = nack
    // Each of these speaks of one copy only, that was not applied. A request that is asked again may be applied twice:
    // it is the newest answer that counts.
    if (entry.frame.type === 'publish' && (retryAfter !== undefined || type === 'error')) entry.copies--
    // A server that has no record of a first copy speaks for that copy only: the leg that it was sent on anew has the
    // answer.
    else if (here || (code !== 'outcome-unknown' && code !== 'out-of-order')) entry.copies = 0
    if (entry.copies <= 0) this.#fail(entry, refusal(nack, entry.frame))
    else if (here) this.#giveUp(entry, 'outcome-unknown', explain`the server refused a repeat (${message || code})`)
  }

  // When it is sent.

  #pump() {
    if (this.#pumping) return
    this.#pumping = true
    try {
      for (let entry = this.#queue.next(); entry && this.#queue.active; entry = this.#queue.next()) {
        const { frame, limit, queued, firstSent } = entry
        const { clock } = this.#deps
        if (queued && since(clock, queued) >= limit) {
          this.#abandon(entry, 'timeout', explain`its time was over`)
          continue
        }
        const leg = this.#queue.active
        const age = firstSent && frame.type === 'publish' ? Math.round(since(clock, firstSent)) : undefined
        const bytes = entry.bytes + (age === undefined ? 0 : `,"age":${age}`.length)
        if (bytes > leg.maxFrame) {
          this.#giveUp(
            entry,
            'too-large',
            explain`the server takes no frame over ${leg.maxFrame} bytes, and this of ${bytes} was held back (split it, or raise the server's limit)`,
          )
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

  #put(entry: Entry, leg: OutboxLeg, age: number | undefined): boolean {
    // Everything is noted before `send`: an answer, the leg's death or a close() may come from within it.
    const { frame, firstSent } = entry
    const now = instant(this.#deps.clock)
    entry.firstSent ??= now
    entry.copies++
    entry.overdueAt = now.monotonic + entry.patience
    this.#queue.sent(entry)
    // A repeat is the same frame, with an age.
    const aged = age === undefined ? frame : (Object.assign(Object.create(frame), { age }) as OwedFrame)
    const sent = this.#handlers.send(leg.number, aged)
    if (this.#queue.get(frame.id) !== entry) return sent
    if (!sent) {
      entry.firstSent = firstSent
      entry.copies--
      this.#queue.unsent(entry)
    } else if (!this.#deps.acknowledges) this.#succeed(entry, { id: frame.id })
    return sent
  }

  /**
   * One timer for the oldest unanswered publish. It may ring early, never late: most are answered long before.
   */
  #watch() {
    const at = this.#queue.oldest()?.overdueAt ?? null
    if (at !== null && this.#suspicion && this.#suspicion.at <= at) return
    this.#suspicion?.cancel()
    this.#suspicion =
      at === null
        ? null
        : { at, cancel: this.#deps.clock.setTimeout(() => this.#ring(), at - this.#deps.clock.monotonic()) }
  }

  #ring() {
    this.#suspicion = null
    const entry = this.#queue.oldest()
    const now = this.#deps.clock.monotonic()
    if (entry?.leg && entry.overdueAt <= now) {
      if (entry.repeatable) {
        entry.patience *= 2
        entry.overdueAt = now + entry.patience
        this.#handlers.overdue(entry.leg.number)
      } else {
        this.#giveUp(entry, 'outcome-unknown', explain`outbox.ackTimeout passed`)
        this.#pump()
        this.#handlers.settled?.()
      }
    }
    this.#watch()
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

  // What becomes of the legs.

  ready(number: number, maxFrame?: number) {
    const another = this.#queue.active?.number !== number
    this.#queue.activate(number, maxFrame)
    if (another) this.#settleOld()
    this.#forgetLost()
    this.#pump()
  }

  gone(number: number) {
    if (!this.#queue.drop(number)) return
    this.#forgetLost()
    this.#settleOld()
    this.#pump()
  }

  owes(number: number) {
    return this.#queue.owes(number)
  }

  get size() {
    return this.#queue.size.publish
  }

  close(why: string) {
    this.#queue.detach()
    this.#settleOld()
    this.#watch()
    for (const entry of this.#queue.all()) this.#giveUp(entry, 'closed', why)
  }
}
