import { explain } from '../base/explanation.js'
import { createAlarm, type Alarm } from '../base/alarm.js'
import { instant, since } from '../base/clock.js'
import type { LiveSocketError, LiveSocketErrorCode } from '../base/errors.js'
import type { AckFrame, ClientFrame } from '../protocol/frames.js'
import type {
  Outbox,
  OutboxDeps,
  OutboxHandlers,
  Owed,
  Published,
  PublishOptions,
  Refusal,
  Sending,
} from './outbox-contract.js'
import { OutboxEntry } from './outbox-entry.js'
import { OutboxQueue } from './outbox-queue.js'
import { failure, refusal } from './refusal.js'

export type { Outbox, OutboxDeps, OutboxHandlers, PublishFrame, Published, PublishOptions } from './outbox-contract.js'

/**
 * Holds what must be sent and answered: publishes, in order (client rule 5), and requests. An entry leaves only when it
 * settles. When a leg ends, its unanswered entries return to their places, to be sent again under the same id, or
 * settle if they may not be sent again.
 */
export function createOutbox(deps: OutboxDeps, handlers: OutboxHandlers): Outbox {
  return new LegOutbox(deps, handlers)
}

class LegOutbox implements Outbox {
  readonly #deps: OutboxDeps
  readonly #handlers: OutboxHandlers
  readonly #queue = new OutboxQueue()
  /** The `n` of the newest publish: one counter for all topics, so it rises in each of them. */
  #count = 0
  /** How many times `#pump` was called since its current run began; 0: it is not running. */
  #pumps = 0
  /** Ends the wait for the old leg's answers. */
  readonly #settling: Alarm
  /** Rings when the oldest unanswered publish is overdue. */
  readonly #suspicion: Alarm
  /** The entry for which that alarm was set, and when it rings, on the monotonic clock; Infinity: it is not set. */
  #suspect: OutboxEntry | undefined
  #ringsAt = Infinity

  constructor(deps: OutboxDeps, handlers: OutboxHandlers) {
    this.#deps = deps
    this.#handlers = handlers
    this.#settling = createAlarm(deps.clock, this.#settled, this)
    this.#suspicion = createAlarm(deps.clock, this.#ring, this)
    const { serving } = handlers
    if (serving) this.#queue.activate(serving.leg, serving.maxFrame)
  }

  // Taking entries.

  publish(topic: string, data: unknown, { signal, ttl }: PublishOptions = {}): Promise<Published> {
    const { id: newId, dedupes: repeatable = true, ackTimeout } = this.#deps
    const id = newId()
    const head = { type: 'publish', id, topic, n: ++this.#count } as const
    const outcome: Promise<Published> & { id?: string } = this.add(head, data, {
      repeatable,
      ackTimeout,
      limit: ttl,
      signal,
    })
    outcome.id = id
    return outcome
  }

  add(head: Owed, data: unknown, sending: Sending): Promise<Published> {
    return new Promise((resolve, reject) => {
      const entry = new OutboxEntry(head, data, sending, this.#deps.copy)
      this.#check(entry)
      entry.resolve = resolve
      entry.reject = reject
      const { signal } = sending
      // An entry that throws here, or whose signal was already aborted, is never queued.
      if (signal || entry.limit !== Infinity) this.#limit(entry, signal)
      if (!signal?.aborted) this.#queue.add(entry)
      this.#handlers.changed()
      this.#pump(entry)
    })
  }

  /** Throws the reason if the entry cannot be taken now. */
  #check(entry: OutboxEntry) {
    const { type, limit, bytes: size } = entry
    const { closed } = this.#handlers
    const { maxMessages, maxBytes } = this.#deps
    const { messages, bytes } = this.#queue.size[type]
    if (closed !== null) throw failure(entry, 'closed', closed)
    if (typeof limit !== 'number' || !(limit > 0))
      throw failure(entry, 'invalid', explain`its time limit must be a number of milliseconds above 0`)
    if (messages >= maxMessages)
      throw failure(
        entry,
        'outbox-full',
        explain`${messages} wait to be sent or answered, the most that outbox.maxMessages allows: wait for some of them to settle`,
      )
    if (bytes + size > maxBytes)
      throw failure(
        entry,
        'outbox-full',
        explain`it has ${size} bytes, others of ${bytes} wait to be sent or answered, and outbox.maxBytes allows ${maxBytes} in all: wait for some of them to settle, split it, or raise the option`,
      )
  }

  /** Gives the entry up when its signal fires or its time is over. */
  #limit(entry: OutboxEntry, signal: AbortSignal | undefined) {
    entry.queued = instant(this.#deps.clock)
    const abort = () => this.#abandon(entry, 'aborted', explain`its signal was aborted`, signal?.reason)
    const timeOut = () => this.#abandon(entry, 'timeout', explain`its time limit passed`)
    signal?.addEventListener('abort', abort, { once: true })
    const cancel = entry.limit === Infinity ? undefined : this.#deps.clock.setTimeout(timeOut, entry.limit)
    entry.release = () => {
      cancel?.()
      signal?.removeEventListener('abort', abort)
    }
    if (signal?.aborted) abort()
  }

  // Settling entries.

  #remove(entry: OutboxEntry) {
    this.#queue.remove(entry)
    entry.release?.()
    if (entry === this.#suspect || this.size.messages === 0) this.#watch()
    this.#handlers.changed()
  }

  #fail(entry: OutboxEntry, error: LiveSocketError) {
    this.#remove(entry)
    entry.reject(error)
  }

  #succeed(entry: OutboxEntry, { id, offset, epoch, data }: Omit<AckFrame, 'type'>) {
    this.#remove(entry)
    const published: { -readonly [Name in keyof Published]: Published[Name] } = { id }
    if (offset !== undefined) published.offset = offset
    if (epoch !== undefined) published.epoch = epoch
    if (data !== undefined) published.data = data
    entry.resolve(published)
  }

  /** There will be no answer: an entry that was not sent did not happen, one that was sent may have. */
  #giveUp(entry: OutboxEntry, code: LiveSocketErrorCode, why: string, cause?: unknown) {
    this.#fail(
      entry,
      entry.firstSent
        ? failure(entry, 'outcome-unknown', explain`${why} before it was answered: it may have been applied`, cause)
        : failure(entry, code, explain`${why} before it was sent: it did not happen`, cause),
    )
  }

  /** The application gives the entry up, or its time is over. */
  #abandon(entry: OutboxEntry, code: 'timeout' | 'aborted', why: string, cause?: unknown) {
    const { type, id, leg } = entry
    if (type === 'publish') this.#queue.abandon(entry)
    this.#giveUp(entry, code, why, cause)
    if (type === 'request' && leg) this.#handlers.send(leg.number, { type: 'cancel', id })
    this.#pump()
    this.#handlers.settled?.()
  }

  acked(ack: Omit<AckFrame, 'type'>) {
    const entry = this.#queue.answered(ack.id)
    if (entry) this.#succeed(entry, ack)
    this.#pump()
  }

  nacked(nack: Refusal, leg?: number) {
    const entry = this.#queue.answered(nack.id)
    if (entry) this.#nack(entry, nack, leg === undefined || leg === entry.leg?.number)
    this.#pump()
  }

  /** `here`: the refusal came on the leg on which the entry was last sent. */
  #nack(entry: OutboxEntry, nack: Refusal, here: boolean) {
    const { type, code, message, retryAfter } = nack
    // Each of these refusals is about one copy only, which was not applied. A request that is sent again may be applied
    // twice, so for it the newest answer counts.
    if (entry.type === 'publish' && (retryAfter !== undefined || type === 'error')) entry.copies--
    // A server without a record of the first copy answers only for the copy that it received. The leg on which the
    // entry was sent again has the answer that counts.
    else if (here || (code !== 'outcome-unknown' && code !== 'out-of-order')) entry.copies = 0
    if (entry.copies <= 0) this.#fail(entry, refusal(nack, entry))
    else if (here) this.#giveUp(entry, 'outcome-unknown', explain`the server refused a repeat (${message || code})`)
  }

  // Sending entries.

  /** `newest`: the entry that was just queued. */
  #pump(newest?: OutboxEntry) {
    if (this.#pumps++ > 0) return
    try {
      do {
        this.#pumps = 1
        for (const entry of this.#queue.sendable(newest)) if (!this.#send(entry) || this.#pumps > 1) break
      } while (this.#pumps > 1)
    } finally {
      this.#pumps = 0
    }
    if (!this.#queue.owes(this.#queue.old?.number)) this.#settling.clear()
  }

  /** False: the leg cannot send more for now. */
  #send(entry: OutboxEntry): boolean {
    const { limit, queued, firstSent } = entry
    const { clock } = this.#deps
    const leg = this.#queue.active!
    if (queued && since(clock, queued) >= limit) {
      this.#abandon(entry, 'timeout', explain`its time limit passed`)
      return true
    }
    // A repeat is the same frame, with an age.
    if (firstSent && entry.type === 'publish') entry.age = Math.round(since(clock, firstSent))
    const bytes = entry.bytes + (entry.age === undefined ? 0 : `,"age":${entry.age}`.length)
    if (bytes > leg.maxFrame) {
      this.#giveUp(
        entry,
        'too-large',
        explain`the server takes no frame over ${leg.maxFrame} bytes, and this of ${bytes} was held back (split it, or raise the server's limit)`,
      )
      return true
    }
    // All state is updated before `send`, because an answer, the leg's death or a close() may happen within it.
    const now = clock.present.look()
    entry.firstSent ??= now
    entry.copies++
    entry.overdueAt = now.monotonic + entry.patience
    this.#queue.place(entry, leg)
    const sent = this.#handlers.send(leg.number, entry as ClientFrame)
    if (this.#queue.get(entry.id) !== entry) return sent
    if (!sent) {
      entry.firstSent = firstSent
      entry.copies--
      this.#queue.place(entry, null)
    } else if (!this.#deps.acknowledges) this.#succeed(entry, { id: entry.id })
    else if (entry.overdueAt < this.#ringsAt) this.#watch(entry)
    return sent
  }

  /**
   * Sets the one alarm, for the oldest unanswered publish. It may ring early but never late: most publishes are
   * answered long before, and one sent later is overdue later, unless the wait of an earlier one was doubled.
   */
  #watch(entry = this.#queue.oldest()) {
    const at = entry ? entry.overdueAt : Infinity
    if (at < Infinity && this.#ringsAt <= at) return
    this.#suspect = entry
    this.#ringsAt = at
    this.#suspicion.set(at - this.#deps.clock.monotonic())
  }

  #ring() {
    this.#ringsAt = Infinity
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

  #settled() {
    this.#queue.giveUpOld()
    this.#pump()
    this.#handlers.settled?.()
  }

  // Changes of legs.

  ready(number: number, maxFrame?: number) {
    const another = this.#queue.active?.number !== number
    this.#queue.activate(number, maxFrame)
    if (another) this.#settling.set(this.#deps.settleTimeout)
    this.#turned()
  }

  gone(number: number) {
    if (this.#queue.drop(number)) this.#turned()
  }

  /** Entries that were sent on a leg that ended, and may not be sent again, are lost; the others go on. */
  #turned() {
    for (const entry of this.#queue.all())
      if (!entry.repeatable && entry.firstSent && !entry.leg)
        this.#giveUp(entry, 'outcome-unknown', explain`its leg ended`)
    this.#watch()
    this.#pump()
  }

  owes(number: number) {
    return this.#queue.owes(number)
  }

  get size() {
    return this.#queue.size.publish
  }

  close(why: string) {
    this.#queue.active = this.#queue.old = null
    for (const entry of this.#queue.all()) this.#giveUp(entry, 'closed', why)
    this.#pump()
  }
}
