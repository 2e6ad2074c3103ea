import type { Instant } from '../base/clock.js'
import { createIds, newId } from '../base/id.js'
import type { Settings } from '../options/settings.js'
import type { ClientFrame, Position, TopicRequests } from '../protocol/frames.js'
import { createOutbox, type Outbox, type OutboxHandlers, type PublishOptions } from '../publishes/outbox.js'
import type { TokenKeeper, TokenKeeperHandlers, TokenState } from '../tokens/token-part.js'
import type { Merge, MergeDeps, MergeHandlers } from '../topics/merge.js'
import type { MessageInfo } from '../topics/message.js'
import type { Readers } from '../topics/subscriptions.js'
import type { Gap } from '../topics/gap.js'
import type { Emit, LiveSocketEvents } from './events.js'
import type { Outage } from './outage.js'
import type { ClientReason } from './state.js'

/** What a session wants of the legs that carry it. */
export interface SessionLegs {
  /** Puts a frame on a leg. False: that leg takes none. */
  send(leg: number, frame: ClientFrame): boolean
  /** Drops a standby leg; false where there is none. */
  dropStandby(): boolean
  /** The active leg is to be left. */
  leave(reason: ClientReason): void
  /** A fresh token: onto the live legs, or, where the protocol has no such frame, by a handover. */
  renew(token: string): void
  /** The old leg goes, should it have nothing left to give. */
  retireOld(): void
  /** The leg that serves. */
  readonly serving: { readonly leg: number; readonly maxFrame: number | undefined } | null
  /** Whether anything shows that there is a network. */
  readonly online: boolean
}

/** Whom a session tells what the application is to know. */
export interface SessionAudience {
  readonly outage: Outage
  readonly emit: Emit
  readonly subscriptions: Pick<Readers, 'deliver' | 'answered'>
  outboxChanged(size: Outbox['size']): void
  tokenState(state: TokenState): void
  changed(): void
  /** The login session is over, in another tab perhaps. */
  sessionOver(reason: string): void
}

/** What is counted of a session, beside what its merge counts: all of it begins with it and ends with it. */
export interface SessionCounters {
  received: number
  delivered: number
  handovers: number
  reconnects: number
  published: number
  longestSilence: number
}

/**
 * Time that a cutover waits for the old leg's answers before it sends the same again on the new one: a slow round trip.
 */
const SETTLE_TIMEOUT = 1_000

/**
 * One client as the server sees it, and all that the application can see of it: from the first `connect()` to
 * `signOut()` or to the session's end. What belongs to it is made when it is first needed, and ends with it; a `close()`
 * in between only makes it rest.
 */
export class Session implements MergeHandlers, OutboxHandlers, TokenKeeperHandlers {
  readonly #settings: Settings
  readonly #legs: SessionLegs
  readonly #audience: SessionAudience
  readonly counters: SessionCounters = {
    received: 0,
    delivered: 0,
    handovers: 0,
    reconnects: 0,
    published: 0,
    longestSilence: 0,
  }
  readonly merge: Merge & { drained?(leg: number): void }
  /** What was sent and is owed an answer: made when the first of it is. */
  outbox: Outbox | null = null
  /** Why nothing is sent. */
  closed: string | null = null
  /** Called by the merge as it is, with each message. */
  readonly deliver: (data: unknown, info: MessageInfo) => void
  #id = ''
  #tokens: TokenKeeper | null = null
  /** A leg has served the application. */
  everLive = false
  #deliveredAt: Instant | null = null
  #over = false

  constructor(settings: Settings, legs: SessionLegs, audience: SessionAudience) {
    this.#settings = settings
    this.#legs = legs
    this.#audience = audience
    const { present } = settings.clock
    const deliver = (data: unknown, info: MessageInfo) => {
      const { counters } = this
      const { at } = present
      counters.delivered++
      // Those of one moment have no silence between them.
      if (at !== this.#deliveredAt) {
        const silence = this.#deliveredAt ? at.monotonic - this.#deliveredAt.monotonic : 0
        counters.longestSilence = Math.max(counters.longestSilence, silence)
        this.#deliveredAt = at
      }
      audience.subscriptions.deliver(data, info)
    }
    this.deliver =
      settings.schemas === undefined
        ? deliver
        : (data, info) => {
            const checked = settings.check(settings.schemas?.get(info.topic), data)
            if ('invalid' in checked) this.invalid(info.topic, checked.invalid)
            // A schema is the application's code too, and may have signed out.
            else if (!this.#over) deliver(checked.value, info)
          }
    const { clock, holding, protocol } = settings
    this.merge = (protocol.createMerge as CreateMerge)({ clock, present, id: newId, ...holding }, this)
  }

  /** Unguessable, and minted when it is first needed: a socket that is never connected asks nothing of the browser. */
  get id(): string {
    return (this.#id ||= newId())
  }

  get tokens(): TokenKeeper {
    return (this.#tokens ??= this.#makeTokens())
  }

  publish(topic: string, data: unknown, options?: PublishOptions): ReturnType<Outbox['publish']> {
    this.counters.published++
    return this.needOutbox().publish(topic, data, options)
  }

  needOutbox(): Outbox {
    return (this.outbox ??= this.#makeOutbox())
  }

  /** What an application's function threw, without what would tell a token. */
  redactedError(thrown: unknown): unknown {
    return this.#tokens ? this.#tokens.redactedError(thrown, 'the application') : thrown
  }

  stats() {
    return { ...this.counters, ...this.merge.stats() }
  }

  // From its begin to its end.

  /** It is served again. False: another tab has ended it meanwhile. */
  open(): boolean {
    this.closed = null
    return this.tokens.open()
  }

  /** Settles all publishes and requests. The token in force is kept for the next `open`. */
  rest(why: string): void {
    this.#close(why)
    this.#tokens?.rest()
  }

  /** As `rest`, for good, and the login session is over in every tab. */
  end(why: string, reason?: string): void {
    this.#over = true
    this.#close(why)
    this.tokens.signOut(reason)
    this.merge.stop()
  }

  #close(why: string) {
    this.closed = why
    this.outbox?.close(why)
  }

  // What becomes of its legs.

  /** `planned`: another one served until this moment. */
  served(planned: boolean): void {
    if (!planned && this.everLive) this.counters.reconnects++
    this.everLive = true
  }

  gone(leg: number): void {
    this.merge.gone(leg)
    this.outbox?.gone(leg)
  }

  // What its merge tells.

  gap(gap: Gap): void {
    this.#audience.emit('gap', gap)
  }

  subscribe(leg: number, id: string, topics: TopicRequests): void {
    this.#legs.send(leg, { type: 'subscribe', id, topics })
  }

  unsubscribe(leg: number, topics: readonly string[]): void {
    this.#legs.send(leg, { type: 'unsubscribe', topics })
  }

  overflow(): boolean {
    return this.#legs.dropStandby()
  }

  invalid(topic: string, reason: string): void {
    this.#audience.emit('invalid', { topic, reason })
  }

  answered(topic: string, head: Position | null): void {
    // Who was told of another topic may have closed, and connected again.
    if (this.serving) this.#audience.subscriptions.answered(topic, head)
  }

  // What its publishes, requests and signals want.

  send(leg: number, frame: ClientFrame): boolean {
    return this.#legs.send(leg, frame)
  }

  overdue(): void {
    this.#legs.leave('unanswered')
  }

  settled(): void {
    this.#legs.retireOld()
  }

  /** `outbox.size` is another one. */
  changed(): void {
    this.#audience.outboxChanged(this.outbox!.size)
  }

  get serving() {
    return this.#legs.serving
  }

  // What its tokens tell.

  fresh(token: string): void {
    this.#legs.renew(token)
  }

  state(state: TokenState): void {
    // Of one that has ended the last word is told with the end.
    if (!this.#over) this.#audience.tokenState(state)
  }

  refreshed(event: LiveSocketEvents['token-refreshed']): void {
    this.#audience.emit('token-refreshed', event)
  }

  failed(event: LiveSocketEvents['token-failed']): void {
    const message = `getToken: ${event.error instanceof Error ? event.error.message : 'it threw'}`
    if (!this.#legs.serving) this.#audience.outage.failed({ code: 'token-failed', message })
    this.#audience.changed()
    this.#audience.emit('token-failed', event)
  }

  ended(reason: string): void {
    this.#audience.sessionOver(reason)
  }

  #makeOutbox(): Outbox {
    const { clock, outbox, protocol } = this.#settings
    return createOutbox({ ...protocol, ...outbox, clock, id: createIds(), settleTimeout: SETTLE_TIMEOUT }, this)
  }

  #makeTokens(): TokenKeeper {
    const { page, parts } = this.#settings
    const online = () => this.#legs.online
    const hidden = () => page.hidden()
    return (parts.tokens ?? parts.noTokens)!({ ...this.#settings, online, hidden }, this)
  }
}

/** What the protocol's own room has made, of which the room of protocols knows nothing. */
type CreateMerge = (deps: MergeDeps, handlers: MergeHandlers & Pick<Session, 'send'>) => Session['merge']
