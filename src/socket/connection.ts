import { brief, explain } from '../base/explanation.js'
import { Emitter } from '../base/emitter.js'
import { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'
import { Coordinator } from '../handover/coordinator.js'
import { EVENTS, type LiveSocketEvents } from '../handover/events.js'
import { givenFunction, invalid } from '../options/option-table.js'
import { browserPage } from '../host/page.js'
import type { Audience } from '../handover/handover.js'
import { Outage } from '../handover/outage.js'
import { Session, type SessionAudience } from '../handover/session.js'
import type { Stop } from '../handover/state.js'
import { viewOf } from '../handover/view.js'
import type { Settings } from '../options/settings.js'
import type { Outbox } from '../publishes/outbox.js'
import type { Signals } from '../signals/signals.js'
import type { Readers, SubscriptionsHandlers } from '../topics/subscriptions.js'
import { tellDebug } from './debug.js'
import { watchHost } from './host-watch.js'
import type { InsideEvents } from './insides.js'
import type { LiveConnection } from './live-connection.js'
import { LiveStore, type LiveSocketState, type ReadableStore } from './store.js'

/** The least by which Chromium delays a dial of a page that has failed often, in ms. */
const BROWSER_DELAY = 1_000

/** Creates what keeps the application's subscriptions. */
export type ReadersOf<Reading extends Readers> = (handlers: SubscriptionsHandlers) => Reading

/**
 * Everything behind one live socket: the application's subscriptions, the current session, the coordinator of its legs,
 * and the public state. It connects these parts and reports to the application.
 */
export class Connection<Reading extends Readers = Readers> implements Audience, SessionAudience, SubscriptionsHandlers {
  readonly settings: Settings
  readonly events: Emitter<InsideEvents>
  readonly store: ReadableStore<LiveSocketState>
  readonly outage: Outage
  readonly subscriptions: Reading
  readonly coordinator: Coordinator
  /** The current session. As soon as a session ends this is the next one, which starts empty. */
  session: Session
  #signals: Signals | null = null
  readonly #live: LiveStore
  #closed: LiveSocketState['closed'] = null
  #unwatch: (() => void) | null = null

  constructor(settings: Settings, readersOf: ReadersOf<Reading>) {
    const { clock, debug } = settings
    this.settings = settings
    this.events = new Emitter((thrown, type) => this.#listenerThrew(thrown, type))
    this.#live = new LiveStore(clock, (thrown) => this.report(explain`A listener of the store threw.`, thrown))
    this.store = this.#live.store
    this.outage = new Outage(clock, debug === false)
    this.subscriptions = readersOf(this)
    this.coordinator = new Coordinator(settings, this)
    this.session = new Session(settings, this.coordinator, this)
  }

  /** The methods that the application gets. They are closures, because applications destructure them. */
  face(): LiveConnection {
    const { coordinator, events, store } = this
    return {
      connect: () => this.connect(),
      close: (code, reason) => this.close(code, reason),
      signOut: () => this.end({ by: 'signed-out' }),
      handover: () => coordinator.handover(),
      [Symbol.dispose]: () => this.close(),
      store,
      on(type, listener) {
        // A mistake in the code shows in development, so the production build does not carry the check.
        if (!brief) checkListening(type, listener)
        return events.on(type, listener)
      },
      stats: () => this.session.stats(),
    }
  }

  /** Created at first use. */
  get signals(): Signals {
    return (this.#signals ??= this.settings.parts.signals(this as never))
  }

  // From connect() to the end of a session.

  connect(): void {
    // Several listeners may call connect() when a session ends: only the first call has an effect.
    if (this.#unwatch) return
    let fresh = this.#closed === null || endsSession(this.#closed)
    // The session was ended in another tab while this socket was closed.
    if (!this.session.open()) {
      this.#endSession(explain`the login session was ended in another tab`)
      this.session.open()
      fresh = true
    }
    this.#closed = null
    this.outage.over()
    if (!brief) warnOfShortDials(this.settings, this.outage)
    this.#unwatch = watchHost(this.coordinator)
    this.coordinator.connect(this.session, fresh, this.settings.page.prerendering?.() ?? false)
  }

  close(code?: number, reason?: string): void {
    this.coordinator.stop({ by: 'app', code, reason })
  }

  /**
   * Ends the session, also while nothing is connected. After that there is no session to end until the next
   * `connect()`.
   */
  end(stop: Stop): void {
    if (this.#closed === null) this.coordinator.stop(stop)
    else if (!endsSession(this.#closed)) this.stopped(stop)
  }

  sessionOver(reason: string): void {
    this.end(reason === 'signed-out' ? { by: 'signed-out' } : { by: 'session-ended', reason })
  }

  stopped(stop: Stop): void {
    const { by, code, reason } = stop
    this.#unwatch?.()
    this.#unwatch = null
    if (by === 'app' || by === 'signed-out') this.outage.over()
    this.#closed = { by, ...(code === undefined ? null : { code }), ...(reason ? { reason } : null) }
    // All of this precedes the first notification, because a listener may publish or connect again.
    const message = explain`the live socket was closed (${by})`
    const ends = endsSession(stop)
    if (ends) this.#endSession(message, reason)
    else this.session.rest(message)
    this.#signals?.drop()
    if (by === 'session-ended') this.emit('session-ended', { reason: reason ?? 'the server ended the session' })
    this.#show(ends ? { token: { status: 'ended', refreshAt: null, expiresAt: null } } : {})
  }

  /** Replaces the session. Nothing of the former one is kept: from here on everybody reads the next one. */
  #endSession(message: string, reason?: string) {
    const former = this.session
    this.session = new Session(this.settings, this.coordinator, this)
    this.session.rest(message)
    this.subscriptions.restart()
    former.end(message, reason)
  }

  // Notifications to the application.

  emit<Type extends keyof LiveSocketEvents>(type: Type, event: LiveSocketEvents[Type]): boolean {
    const { debug } = this.settings
    if (debug) tellDebug(debug, type, event)
    return this.events.emit(type, event as InsideEvents[Type])
  }

  /**
   * Emits an `error` event. `heard`: something other than an event listener has received the error already. If nobody
   * has, an error with a cause (what the application threw) is reported as an uncaught error, so that it is never lost;
   * any other error is logged as a warning.
   */
  error(given: LiveSocketError, heard = false): void {
    const error = this.#withoutToken(given)
    if (this.emit('error', { error }) || heard) return
    if (error.cause === undefined) this.outage.warn(error.message, error.message)
    else tellUncaught(error.cause)
  }

  report(message: string, cause?: unknown): void {
    this.error(new LiveSocketError('invalid', message, { cause }))
  }

  refused(error: LiveSocketError): void {
    this.error(error, this.subscriptions.refused(error.topic!, error))
  }

  changed(): void {
    this.#show()
  }

  tokenState(token: LiveSocketState['token']): void {
    this.#live.set({ token })
  }

  outboxChanged(size: Outbox['size']): void {
    this.#live.count(size)
  }

  #show(besides: Partial<LiveSocketState> = {}) {
    const { status, active } = this.coordinator.state
    const { everLive } = this.session
    this.#live.set({
      status: status !== 'open' ? status : active ? 'live' : everLive ? 'reconnecting' : 'connecting',
      closed: status === 'closed' ? this.#closed : null,
      ...viewOf(this.coordinator),
      lastError: this.outage.lastError,
      everLive,
      ...besides,
    })
    if (!active) this.subscriptions.unserved()
  }

  #listenerThrew(thrown: unknown, type: string) {
    if (type !== 'error') this.report(explain`A listener threw; the other listeners were still called.`, thrown)
    else tellUncaught(this.session.redactedError(thrown))
  }

  /** The cause is whatever the application threw. Errors end up in logs, so tokens in it are redacted. */
  #withoutToken(error: LiveSocketError): LiveSocketError {
    const cause = this.session.redactedError(error.cause)
    return cause === error.cause ? error : new LiveSocketError(error.code, error.message, { ...error, cause })
  }

  // What the subscriptions need.

  get merge() {
    return this.session.merge
  }

  threw(thrown: unknown, topic: string): void {
    this.report(explain`A handler of "${topic}" threw; the message counts as delivered.`, thrown)
  }
}

function endsSession({ by }: Pick<Stop, 'by'>): boolean {
  return by === 'signed-out' || by === 'session-ended'
}

function checkListening(type: unknown, listener: unknown) {
  if (!Object.hasOwn(EVENTS, type as string))
    throw invalid('type', explain`one of ${Object.keys(EVENTS).join(', ')}`, type)
  givenFunction('listener', listener)
}

/** In a page each dial that the browser has delayed past `connectTimeout` is one more failure, for which it delays others. */
function warnOfShortDials({ connectTimeout, page }: Settings, outage: Outage) {
  if (connectTimeout < BROWSER_DELAY && page === browserPage && globalThis.location)
    outage.warn(
      'connectTimeout',
      explain`connectTimeout is ${connectTimeout} ms. Chromium delays the dials of a page that has failed some 16 times by 1 to 5 s each, and below ${BROWSER_DELAY} ms such a page never connects again, however well its server is. Set it higher, or leave it out: it is 10,000 ms then`,
    )
}
