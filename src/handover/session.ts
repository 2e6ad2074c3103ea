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

/** What a session needs of the legs that carry it. */
export interface SessionLegs {
  /** Sends a frame on a leg. False: that leg cannot send. */
  send(leg: number, frame: ClientFrame): boolean
  /** Drops a standby leg; false if there is none. */
  dropStandby(): boolean
  /** Starts leaving the active leg. */
  leave(reason: ClientReason): void
  /** Puts a fresh token into use: sends it on the live legs or, if the protocol has no such frame, hands over. */
  renew(token: string): void
  /** Closes the old leg if it has nothing more to deliver. */
  retireOld(): void
  /** The serving leg. */
  readonly serving: { readonly leg: number; readonly maxFrame: number | undefined } | null
  /** Whether anything shows that there is a network. */
  readonly online: boolean
}

/** The receiver of what a session reports to the application. */
export interface SessionAudience {
  readonly outage: Outage
  readonly emit: Emit
  readonly subscriptions: Pick<Readers, 'deliver' | 'answered'>
  outboxChanged(size: Outbox['size']): void
  tokenState(state: TokenState): void
  changed(): void
  /** The login session has ended, perhaps in another tab. */
  sessionOver(reason: string): void
}

/** The counters of a session, besides those of its merge. They start and end with the session. */
export interface SessionCounters {
  received: number
  delivered: number
  handovers: number
  reconnects: number
  published: number
  longestSilence: number
}

/**
 * How long after a cutover unanswered publishes wait for the old leg's answers before they are sent again on the new
 * leg, ms: a slow round trip.
 */
const SETTLE_TIMEOUT = 1_000

/**
 * One client as the server sees it, and everything that the application can see of it: from the first `connect()` to
 * `signOut()` or to the session's end. Its parts are created when first needed, and end with it; a `close()` in between
 * only pauses it.
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
  /** Everything to be sent and answered; created on first use. */
  outbox: Outbox | null = null
  /** Why nothing can be sent; null while it can. */
  closed: string | null = null
  /** The merge calls this directly, with each message. */
  readonly deliver: (data: unknown, info: MessageInfo) => void
  #id = ''
  #tokens: TokenKeeper | null = null
  /** Whether a leg has ever served the application. */
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
      // Messages of the same moment have no silence between them.
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
            // A schema is the application's code too, and may sign out.
            else if (!this.#over) deliver(checked.value, info)
          }
    const { clock, holding, protocol } = settings
    this.merge = (protocol.createMerge as CreateMerge)({ clock, present, id: newId, ...holding }, this)
  }

  /**
   * The session id: unguessable, and created when first needed, so that a socket that never connects uses nothing of
   * the browser.
   */
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

  /** What an application's function threw, without anything that would reveal a token. */
  redactedError(thrown: unknown): unknown {
    return this.#tokens ? this.#tokens.redactedError(thrown, 'the application') : thrown
  }

  stats() {
    return { ...this.counters, ...this.merge.stats() }
  }

  // From its start to its end.

  /** The session opens again. False: another tab has ended it meanwhile. */
  open(): boolean {
    this.closed = null
    return this.tokens.open()
  }

  /** Settles all publishes and requests. The token in force is kept for the next `open`. */
  rest(why: string): void {
    this.#close(why)
    this.#tokens?.rest()
  }

  /** Like `rest`, but permanent: the login session ends in every tab. */
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

  // Changes of its legs.

  /** A leg serves. `planned`: another leg served until this moment. */
  served(planned: boolean): void {
    if (!planned && this.everLive) this.counters.reconnects++
    this.everLive = true
  }

  gone(leg: number): void {
    this.merge.gone(leg)
    this.outbox?.gone(leg)
  }

  // Called by its merge.

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
    // A listener of another topic may have closed, and connected again.
    if (this.serving) this.#audience.subscriptions.answered(topic, head)
  }

  // Called by its publishes, requests and signals.

  send(leg: number, frame: ClientFrame): boolean {
    return this.#legs.send(leg, frame)
  }

  overdue(): void {
    this.#legs.leave('unanswered')
  }

  settled(): void {
    this.#legs.retireOld()
  }

  /** `outbox.size` has changed. */
  changed(): void {
    this.#audience.outboxChanged(this.outbox!.size)
  }

  get serving() {
    return this.#legs.serving
  }

  // Called by its tokens.

  fresh(token: string): void {
    this.#legs.renew(token)
  }

  state(state: TokenState): void {
    // After the end, the session's end reports the last state.
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

/** The actual type of `createMerge`, which `src/protocol` cannot name because it must not import from `src/topics`. */
type CreateMerge = (deps: MergeDeps, handlers: MergeHandlers & Pick<Session, 'send'>) => Session['merge']
