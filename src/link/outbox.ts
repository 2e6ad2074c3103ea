import { instant, since, type Clock, type Instant } from '../base/clock.js'
import { LiveSocketError, type LiveSocketErrorCode, type LiveSocketErrorDetails } from '../base/errors.js'
import type { ClientFrame } from '../protocol/frames.js'
import { byteLength, serialise } from '../protocol/json.js'

export interface PublishOptions {
  /** Aborting takes back what was not sent yet (`aborted`); what was sent is not sent again (`outcome-unknown`). */
  readonly signal?: AbortSignal
  /** Milliseconds from now. Not sent by then: `timeout`; sent but not answered: `outcome-unknown`. Default: as long as it takes. */
  readonly ttl?: number
}

export interface Published {
  readonly id: string
  /** Where the topic's log has it; absent where the server does not say. */
  readonly offset?: number
  /** What the server's `onPublish` answered. */
  readonly data?: unknown
}

/** `data` is what the application's data was when it was published: changing the object later changes nothing. */
export type PublishFrame = Extract<ClientFrame, { readonly type: 'publish' }>

export interface OutboxHandlers {
  /** Puts the publish on that leg. False: not sendable now; call `ready` again when it is. Throws nothing. */
  send(leg: number, frame: PublishFrame): boolean
  /** `size` changed. */
  changed(): void
  /**
   * The oldest unanswered publish on the active leg has waited `ackTimeout`: the leg is suspect. The publish goes on. For one
   * publish each wait is twice as long as the one before, so that a server that answers nothing is not left over and over.
   */
  overdue(leg: number): void
}

export interface OutboxDeps {
  readonly clock: Clock
  /** Mints the id of a publish, unique in the session. */
  readonly id: () => string
  readonly maxMessages: number
  readonly maxBytes: number
  readonly ackTimeout: number
  /** How long a cutover waits for the old leg's answers before it sends the same again on the new leg, in milliseconds. */
  readonly settleTimeout: number
  /** False: the server answers no publish, and one is done when it is sent. */
  readonly acknowledges: boolean
}

export interface Outbox {
  /** Rejects with a `LiveSocketError`: `invalid`, `outbox-full`, `too-large`, `timeout`, `aborted`, `refused`, `forbidden`, `outcome-unknown`, `closed`. */
  publish(topic: string, data: unknown, options?: PublishOptions): Promise<Published>
  /** `leg` is the active leg from now on, and the former one the old leg. For the leg that is active already: it takes more. */
  ready(leg: number, maxFrame?: number): void
  /** The leg was closed or died. If it was the active one, the old leg serves again. */
  gone(leg: number): void
  acked(id: string, offset?: number, data?: unknown): void
  /** `leg` is the one that said so: what it refuses for now may still be applied where another leg took the same publish. */
  nacked(id: string, code: string, message: string, retryAfter?: number, leg?: number): void
  /** The server refused that publish's frame for its size. */
  tooLarge(id: string): void
  /** Whether no publish is unanswered on that leg. */
  settled(leg: number): boolean
  readonly size: { readonly messages: number; readonly bytes: number }
  /** Settles everything at once, unsent publishes as `closed`, sent ones as `outcome-unknown`; later ones are `closed`. */
  close(message?: string): void
}

interface Entry {
  readonly id: string
  readonly topic: string
  readonly json: string
  /** Of the whole frame, without `age`. */
  readonly bytes: number
  readonly queued: Instant
  readonly ttl: number
  /** The leg on which it is unanswered; null while it waits to be sent. */
  leg: number | null
  firstSent: Instant | null
  /** How often it was sent without an answer to that sending. */
  copies: number
  /** On the monotonic clock: the moment at which the leg becomes suspect, and the wait that ends then. */
  overdueAt: number
  patience: number
  readonly resolve: (published: Published) => void
  readonly reject: (error: LiveSocketError) => void
  /** Lets go of the timer and the signal. */
  release: () => void
}

interface Leg {
  readonly number: number
  maxFrame: number
  /** Publishes unanswered on it. */
  unanswered: number
  /**
   * The last publish that was sent on it and then given up by the application. The server may still be about to apply it, so after
   * a cutover it holds back newer ones as an unanswered one does. One id is enough: a server answers in the order of arrival.
   */
  abandoned: string | null
}

/**
 * The ordered queue of publishes (PROTOCOL, client rule 5). An entry leaves it when it settles, and only then: a leg that goes
 * puts its unanswered entries back in their places, to be sent again under the same id.
 */
export function createOutbox(deps: OutboxDeps, handlers: OutboxHandlers): Outbox {
  const { clock } = deps
  const entries = new Map<string, Entry>()
  /** The entries without a leg, in order. */
  let waiting = new Set<Entry>()
  let bytes = 0
  let active: Leg | null = null
  /** The former active leg, while its answers are waited for and while it can serve again. */
  let old: Leg | null = null
  let stopSettling: (() => void) | null = null
  let suspicion: { at: number; cancel: () => void } | null = null
  let pumping = false
  let closed: string | null = null

  function legOf(number: number | null): Leg | null {
    if (number === null) return null
    return active?.number === number ? active : old?.number === number ? old : null
  }

  function place(entry: Entry, leg: Leg | null) {
    const from = legOf(entry.leg)
    if (from) from.unanswered--
    entry.leg = leg ? leg.number : null
    if (leg) {
      leg.unanswered++
      waiting.delete(entry)
    }
  }

  /** What is unanswered on that leg waits to be sent again, in the place that it had. */
  function requeue(leg: Leg) {
    leg.abandoned = null
    if (leg.unanswered === 0) return
    for (const entry of entries.values()) if (entry.leg === leg.number) place(entry, null)
    restoreOrder()
  }

  function restoreOrder() {
    waiting = new Set()
    for (const entry of entries.values()) if (entry.leg === null) waiting.add(entry)
  }

  function remove(entry: Entry) {
    place(entry, null)
    waiting.delete(entry)
    entries.delete(entry.id)
    bytes -= entry.bytes
    entry.release()
  }

  function fail(entry: Entry, code: LiveSocketErrorCode, message: string, details: LiveSocketErrorDetails = {}) {
    remove(entry)
    entry.reject(new LiveSocketError(code, message, { topic: entry.topic, id: entry.id, ...details }))
    handlers.changed()
  }

  function succeed(entry: Entry, published: Published) {
    remove(entry)
    entry.resolve(published)
    handlers.changed()
  }

  /** The application gives up, or its time is over: what was not sent did not happen, what was sent may have. */
  function abandon(entry: Entry, code: 'timeout' | 'aborted', reason: string, cause?: unknown) {
    const leg = legOf(entry.leg)
    if (leg) leg.abandoned = entry.id
    if (entry.firstSent) fail(entry, 'outcome-unknown', `${reason} after the publish was sent and before it was answered: it may have been applied`, { cause })
    else fail(entry, code, `${reason} before the publish was sent: it did not happen`, { cause })
    pump()
  }

  function expired(entry: Entry) {
    return since(clock, entry.queued) >= entry.ttl
  }

  function holdsBack(leg: Leg | null) {
    return leg !== null && (leg.unanswered > 0 || leg.abandoned !== null)
  }

  /** The first entry that may be sent on the active leg: nothing passes an older one whose answer the old leg still owes. */
  function next(): Entry | undefined {
    const [entry] = waiting
    if (!active || !entry || old?.abandoned) return undefined
    if (!old || old.unanswered === 0) return entry
    for (const older of entries.values()) {
      if (older === entry) return entry
      if (older.leg === old.number) return undefined
    }
    return undefined
  }

  function pump() {
    if (pumping) return
    pumping = true
    try {
      for (let entry = next(); entry && active; entry = next()) {
        if (expired(entry)) {
          abandon(entry, 'timeout', 'its ttl passed')
          continue
        }
        const leg = active
        const age = entry.firstSent ? Math.round(since(clock, entry.firstSent)) : undefined
        if (entry.bytes + (age === undefined ? 0 : `,"age":${age}`.length) > leg.maxFrame) {
          refuseSize(entry, `the server takes no frame over ${leg.maxFrame} bytes`)
          continue
        }
        if (!put(entry, leg, age) && active === leg) break
      }
    } finally {
      pumping = false
    }
    endWaitEarly()
    watch()
  }

  function put(entry: Entry, leg: Leg, age: number | undefined): boolean {
    // Everything is noted before `send`: an answer, the leg's death or a close() may come from within it.
    const first = entry.firstSent
    entry.firstSent ??= instant(clock)
    entry.copies++
    entry.overdueAt = clock.monotonic() + entry.patience
    place(entry, leg)
    const { id, topic, json } = entry
    const sent = handlers.send(leg.number, { type: 'publish', id, topic, data: JSON.parse(json) as unknown, ...(age === undefined ? {} : { age }) })
    if (entries.get(id) !== entry) return sent
    if (sent) {
      if (!deps.acknowledges) succeed(entry, { id })
    } else {
      entry.firstSent = first
      entry.copies--
      place(entry, null)
      restoreOrder()
    }
    return sent
  }

  function refuseSize(entry: Entry, why: string) {
    // One that was on its way before may have been applied by a server that takes larger frames.
    if (entry.copies > 1 || (entry.copies === 1 && entry.leg === null))
      fail(entry, 'outcome-unknown', `${why}, and this publish of ${entry.bytes} bytes was sent before and never answered: it may have been applied`)
    else fail(entry, 'too-large', `${why}, and this publish has ${entry.bytes}: split it, or raise the server's limit`)
  }

  /** One timer for the oldest unanswered publish on the active leg. It may ring early, never late: most are answered long before. */
  function watch() {
    if (!active || active.unanswered === 0 || closed !== null) {
      suspicion?.cancel()
      suspicion = null
      return
    }
    let oldest: Entry | undefined
    for (const entry of entries.values()) {
      if (entry.leg !== active.number) continue
      oldest = entry
      break
    }
    if (!oldest || (suspicion && suspicion.at <= oldest.overdueAt)) return
    suspicion?.cancel()
    const at = oldest.overdueAt
    suspicion = { at, cancel: clock.setTimeout(ring, at - clock.monotonic()) }
  }

  function ring() {
    suspicion = null
    const leg = active
    if (!leg) return
    for (const entry of entries.values()) {
      if (entry.leg !== leg.number) continue
      if (entry.overdueAt > clock.monotonic()) break
      entry.patience *= 2
      entry.overdueAt = clock.monotonic() + entry.patience
      handlers.overdue(leg.number)
      break
    }
    watch()
  }

  function settleOld() {
    stopSettling?.()
    stopSettling = null
    if (!holdsBack(old)) return
    stopSettling = clock.setTimeout(() => {
      stopSettling = null
      if (old) requeue(old)
      pump()
    }, deps.settleTimeout)
  }

  function endWaitEarly() {
    if (!stopSettling || holdsBack(old)) return
    stopSettling()
    stopSettling = null
  }

  /** The entry that an answer is for; one that was never sent has none. */
  function answered(id: string): Entry | undefined {
    if (active?.abandoned === id) active.abandoned = null
    if (old?.abandoned === id) old.abandoned = null
    const entry = entries.get(id)
    return entry?.firstSent ? entry : undefined
  }

  function publish(topic: string, data: unknown, options: PublishOptions = {}): Promise<Published> {
    const { signal, ttl = Infinity } = options
    const refuse = (code: LiveSocketErrorCode, message: string, cause?: unknown) =>
      Promise.reject(new LiveSocketError(code, message, { ...(typeof topic === 'string' ? { topic } : {}), cause }))
    if (closed !== null) return refuse('closed', closed)
    if (typeof topic !== 'string' || topic === '') return refuse('invalid', 'a topic is a string that is not empty')
    if (typeof ttl !== 'number' || !(ttl > 0)) return refuse('invalid', 'ttl is a number of milliseconds above 0')
    if (signal?.aborted) return refuse('aborted', 'its signal was aborted before the publish was made: it did not happen', signal.reason)
    const text = serialise(data)
    if ('invalid' in text) return refuse('invalid', `the data cannot be published: ${text.invalid}`, text.cause)
    // Serialising runs the application's code (toJSON, getters), which may have closed or aborted meanwhile.
    if (closed !== null) return refuse('closed', closed)
    if (signal?.aborted) return refuse('aborted', 'its signal was aborted before the publish was made: it did not happen', signal.reason)
    const id = deps.id()
    const size = byteLength(JSON.stringify({ type: 'publish', id, topic })) + byteLength(text.json) + ',"data":'.length
    if (active && size > active.maxFrame)
      return refuse('too-large', `the server takes no frame over ${active.maxFrame} bytes, and this publish has ${size}: split it, or raise the server's limit`)
    if (entries.size >= deps.maxMessages)
      return refuse('outbox-full', `${entries.size} publishes are waiting or unanswered, the most that outbox.maxMessages allows: wait for some of them to settle`)
    if (bytes + size > deps.maxBytes)
      return refuse(
        'outbox-full',
        size > deps.maxBytes
          ? `the publish has ${size} bytes, and outbox.maxBytes allows ${deps.maxBytes} in all: split it, or raise the option`
          : `${bytes} bytes are waiting or unanswered, and these ${size} would pass the ${deps.maxBytes} that outbox.maxBytes allows: wait for some publishes to settle`,
      )
    return new Promise((resolve, reject) => {
      const entry: Entry = {
        id,
        topic,
        json: text.json,
        bytes: size,
        queued: instant(clock),
        ttl,
        leg: null,
        firstSent: null,
        copies: 0,
        overdueAt: 0,
        patience: deps.ackTimeout,
        resolve,
        reject,
        release: () => undefined,
      }
      const abort = () => abandon(entry, 'aborted', 'its signal was aborted', signal?.reason)
      const cancel = ttl === Infinity ? undefined : clock.setTimeout(() => abandon(entry, 'timeout', 'its ttl passed'), ttl)
      signal?.addEventListener('abort', abort, { once: true })
      entry.release = () => {
        cancel?.()
        signal?.removeEventListener('abort', abort)
      }
      entries.set(id, entry)
      waiting.add(entry)
      bytes += size
      handlers.changed()
      pump()
    })
  }

  return {
    publish,
    ready(number, maxFrame = Infinity) {
      if (closed !== null) return
      if (active?.number === number) {
        active.maxFrame = maxFrame
      } else if (old?.number === number) {
        ;[active, old] = [old, active]
        active.maxFrame = maxFrame
        settleOld()
      } else {
        if (old) requeue(old)
        old = active
        active = { number, maxFrame, unanswered: 0, abandoned: null }
        settleOld()
      }
      pump()
    },
    gone(number) {
      const leg = legOf(number)
      if (!leg) return
      requeue(leg)
      // An old leg that serves again still owes the answers that it owed: they are the active leg's now, and hold back nothing.
      if (leg === active) active = old
      old = null
      settleOld()
      pump()
    },
    acked(id, offset, data) {
      const entry = answered(id)
      if (entry) succeed(entry, { id, ...(offset === undefined ? {} : { offset }), ...(data === undefined ? {} : { data }) })
      pump()
    },
    nacked(id, code, message, retryAfter, leg) {
      const entry = answered(id)
      if (entry) {
        if (retryAfter !== undefined) entry.copies--
        const refusal = `the server refused the publish (${code}): ${message}`
        if (code === 'outcome-unknown') fail(entry, 'outcome-unknown', `the server cannot tell whether the publish was applied: ${message}`)
        else if (retryAfter === undefined) fail(entry, code === 'forbidden' || code === 'too-large' ? code : 'refused', refusal)
        else if (entry.copies === 0) fail(entry, 'refused', refusal, { retryAfter })
        else if (leg === undefined || leg === entry.leg)
          fail(entry, 'outcome-unknown', `${refusal}; it was sent before on another leg and never answered there: it may have been applied`)
      }
      pump()
    },
    tooLarge(id) {
      const entry = answered(id)
      if (entry) refuseSize(entry, 'the server refused its size')
      pump()
    },
    settled(number) {
      return !holdsBack(legOf(number))
    },
    get size() {
      return { messages: entries.size, bytes }
    },
    close(message = 'the live socket was closed before the publish was sent: it did not happen') {
      if (closed !== null) return
      closed = message
      suspicion?.cancel()
      stopSettling?.()
      suspicion = stopSettling = null
      const all = [...entries.values()]
      for (const leg of [active, old]) if (leg) leg.unanswered = 0
      active = old = null
      for (const entry of all) {
        if (entries.get(entry.id) !== entry) continue
        if (entry.firstSent) fail(entry, 'outcome-unknown', 'the live socket was closed before the publish was answered: it may have been applied')
        else fail(entry, 'closed', message)
      }
    },
  }
}
