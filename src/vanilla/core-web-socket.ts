import { explain } from '../base/explanation.js'
import { platformClock, type Clock } from '../base/clock.js'
import { PHYSICAL, physicalSocket } from '../legs/physical-socket.js'
import { LACKING } from '../protocol/lacking.js'
import type { Parts } from '../options/parts.js'
import { settingsOf } from '../options/settings.js'
import { Connection } from '../socket/connection.js'
import type { LiveConnection } from '../socket/live-connection.js'
import { checkTopic } from '../socket/topic-arguments.js'
import { rawProtocol } from '../foreign/raw.js'
import type { Protocol } from '../protocol/protocol.js'
import { noTokens } from '../tokens/no-tokens.js'
import { createGreeting, type Greeting } from './greeting.js'
import { Listeners } from './listeners.js'
import { liveOptions } from './live-options.js'
import { MessageEvents } from './message-event.js'
import { PhysicalSockets, type Physical } from './physical-sockets.js'
import { Sending } from './sending.js'
import { sendable, type Sendable } from './sent-data.js'
import { checkClose, checkSubprotocols, checkUrl, domError } from './socket-checks.js'
import { closeEvent, errorEvent, messageData, openEvent } from './socket-events.js'
import { shapeAsWebSocket, TYPES } from './socket-shape.js'
import { SoleTopic } from './sole-topic.js'
import type { LiveWebSocketOptions, UrlProvider } from './web-socket-options.js'

export type { LiveWebSocketOptions, UrlProvider } from './web-socket-options.js'

/** Where a protocol that is made for `LiveWebSocket` puts what the server sends. */
export const DATA = 'data'

/** How long `close()` waits for the server's answer before the `close` event says that there was none. */
const CLOSE_TIMEOUT = 3_000

/** As `close` and `event` have it for a handover that the application must see. */
const RESTART = 1012

/**
 * An application may put this class in its place later. The place is looked at and not into it: Node loads its own
 * class when it is asked for.
 */
const platform = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket')

/** `LiveWebSocket` in less code: its options have no `getToken`. */
export class CoreWebSocket implements EventTarget {
  /** What its live socket has besides: `tokens` where its options may have `getToken`. Default: nothing. */
  static readonly parts: Parts = {}

  static get [PHYSICAL](): unknown {
    const found: unknown = platform?.get ? platform.get.call(globalThis) : platform?.value
    return found && physicalSocket(found)
  }

  declare static readonly CONNECTING: 0
  declare static readonly OPEN: 1
  declare static readonly CLOSING: 2
  declare static readonly CLOSED: 3
  declare readonly CONNECTING: 0
  declare readonly OPEN: 1
  declare readonly CLOSING: 2
  declare readonly CLOSED: 3

  /** For libraries that make the socket themselves: a class that has these options. */
  static with<Class extends typeof CoreWebSocket>(this: Class, options: LiveWebSocketOptions): Class {
    return class extends (this as typeof CoreWebSocket) {
      constructor(url: UrlProvider, protocols?: string | string[], own?: LiveWebSocketOptions) {
        super(url, protocols, { ...options, ...own })
      }
    } as Class
  }

  declare onopen: ((event: Event) => unknown) | null
  declare onmessage: ((event: MessageEvent) => unknown) | null
  declare onerror: ((event: Event) => unknown) | null
  declare onclose: ((event: CloseEvent) => unknown) | null

  /** What goes on underneath: its events, its store, `handover()`. */
  readonly live: LiveConnection
  readonly #options: LiveWebSocketOptions
  readonly #clock: Clock
  readonly #listeners = new Listeners(this)
  /** What to say to a new server; null where the protocol knows. */
  #greeting: Greeting | null = null
  /** The newest leg that has served. */
  #served = 0
  #url: string
  #state: 0 | 1 | 2 | 3 = 3
  #binaryType: BinaryType = 'blob'
  readonly #messages: MessageEvents
  readonly #sockets = new PhysicalSockets()
  /** That of the leg which serves. */
  #physical: Physical | null = null
  #last: { code: number; reason: string } = { code: 1006, reason: '' }
  readonly #sending: Sending
  #retries = -1
  #stable: (() => void) | null = null
  /** While `close()` waits for its answer: it is waited for no longer. */
  #giveUpClose: (() => void) | null = null

  /** Throws a `SyntaxError` DOMException, as `WebSocket` does, and a `LiveSocketError` `invalid` for a wrong option. */
  constructor(url: UrlProvider, protocols: string | string[] = [], options: LiveWebSocketOptions = {}) {
    if (url === undefined) throw new TypeError('A socket takes a URL.')
    this.#options = options
    this.#url = typeof url === 'function' ? '' : checkUrl(url)
    const subprotocols = checkSubprotocols(protocols)
    const { topic = DATA } = options
    checkTopic(topic)
    this.#clock = options.environment?.clock ?? platformClock
    this.#messages = new MessageEvents(this, this.#clock)
    const protocol = this.#speak()
    const settings = settingsOf(
      {
        ...liveOptions(this.#sockets, options),
        url: typeof url === 'function' ? async () => (this.#url = checkUrl(await url())) : this.#url,
        protocol: subprotocols.length > 0 ? { ...protocol, subprotocols } : protocol,
      },
      { noTokens, ...LACKING, ...new.target.parts, protocol: () => protocol },
    )
    const received = (data: unknown) => this.#received(data)
    const connection = new Connection(settings, (handlers) => new SoleTopic(topic, received, handlers))
    this.live = connection.face()
    this.#sending = new Sending(
      (data) => connection.session.publish(topic, data),
      (error, size) => this.#failedToSend(error, size),
    )
    this.#listen()
    connection.subscriptions.restart()
    if (!options.startClosed) this.#connect()
  }

  get url() {
    return this.#url
  }
  get readyState() {
    return this.#state
  }
  get protocol() {
    return this.#physical?.protocol ?? ''
  }
  get extensions() {
    return this.#physical?.extensions ?? ''
  }
  /** Bytes that `send` took and that have not left yet. */
  get bufferedAmount() {
    return this.#sending.bytes + (this.#physical?.bufferedAmount ?? 0)
  }
  get binaryType() {
    return this.#binaryType
  }
  set binaryType(type: BinaryType) {
    // As the standard's enumerations have it, anything else is not heard.
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type
  }
  /** Connections tried since the last one that was stable, but for the first. */
  get retryCount() {
    return Math.max(0, this.#retries)
  }

  /**
   * Throws an `InvalidStateError` DOMException before a socket that lives `once` is open; else it waits for the
   * opening.
   */
  send(data: Sendable): void {
    if (arguments.length === 0) throw new TypeError(explain`send takes what is to be sent.`)
    if (this.#options.once && this.#state === 0)
      throw domError(explain`The socket is not open yet.`, 'InvalidStateError')
    this.#sending.accept(sendable(data), this.#state < 2 || this.#mayReopen())
  }

  /**
   * Throws an `InvalidAccessError` for a code that is neither 1000 nor 3000 to 4999, a `SyntaxError` for a reason over
   * 123 bytes.
   */
  close(code?: number, reason?: string): void {
    const goodbye = checkClose(code, reason)
    if (this.#state === 2) return
    const physical = this.#physical
    const dialling = this.#state === 0
    if (this.#state === 3) return this.live.close()
    this.#state = 2
    this.#stable?.()
    const giveUp = () => {
      cancel()
      this.#giveUpClose = null
    }
    this.#giveUpClose = giveUp
    const end = (event: { code?: number; reason?: string; wasClean?: boolean }) => {
      if (this.#giveUpClose !== giveUp) return
      giveUp()
      this.#state = 3
      // What it waited for may not have been sent, and the connection is not to be made again for it.
      this.live.close(goodbye.code, goodbye.reason)
      this.#tell(
        closeEvent({
          code: event.code ?? 1006,
          reason: event.reason ?? '',
          wasClean: event.wasClean ?? event.code !== 1006,
        }),
      )
    }
    // Who has connected again meanwhile is not closed.
    const send = () => this.#giveUpClose === giveUp && this.live.close(goodbye.code, goodbye.reason)
    const cancel = this.#clock.setTimeout(
      () => {
        if (dialling) this.#tell(errorEvent(explain`The socket was closed before it was open.`))
        end({ code: 1006 })
      },
      dialling ? 0 : CLOSE_TIMEOUT,
    )
    physical?.addEventListener('close', end)
    this.#sending.after(send)
  }

  /**
   * Closes the connection, or the attempt at one, and connects again; the counter of retries starts over. To hand over
   * without a break, `live.handover()`.
   */
  reconnect(code?: number, reason?: string): void {
    const goodbye = checkClose(code, reason)
    const open = this.#state === 1 || this.#giveUpClose !== null
    this.#giveUpClose?.()
    this.#state = 3
    this.live.close(goodbye.code, goodbye.reason)
    if (open) this.#tell(closeEvent({ ...goodbye, wasClean: true }))
    this.#retries = -1
    this.#sending.dropped = 0
    if (this.#state === 3) this.#connect()
  }

  #speak(): Protocol {
    const { protocol, words = {} } = this.#options
    if (protocol) return protocol
    this.#greeting = createGreeting(words, DATA)
    return rawProtocol(this.#greeting.options)
  }

  #listen() {
    this.live.on('leg-dialling', () => {
      if (this.#state === 0) this.#retries++
    })
    this.live.on('leg-ready', ({ leg }) => {
      this.#served = leg
      this.#physical = this.#sockets.newest
      if (this.#state === 0) this.#opened()
    })
    this.live.on('cutover', () => {
      if (this.#state === 1 && this.#greeting?.outgrown) this.#restart()
    })
    this.live.on('leg-closed', ({ leg, code, reason, by }) => {
      // A new server wants to be greeted with something that only the library has, and says so by a code of the
      // application's range.
      if (
        this.#options.once &&
        this.#state === 1 &&
        by === 'server' &&
        leg > this.#served &&
        code >= 4400 &&
        code <= 4499
      )
        return this.#restart()
      // What the library knows of a break is no word of the server's.
      this.#last = { code, reason: code === 1006 ? '' : reason }
      if (this.#state === 0 && by === 'server') this.#failed()
    })
    this.live.store.subscribe(({ status }) => {
      if (this.#state === 1 && status !== 'live') this.#lost(status === 'closed')
      else if (this.#state === 0 && status === 'closed') this.#ended()
    })
    if (this.#options.debug)
      for (const type of TYPES) this.addEventListener(type, (event) => console.log('LiveWebSocket>', type, event))
  }

  #received(data: unknown) {
    if (this.#state !== 1) return
    const message = this.#messages.of(messageData(data, this.#binaryType), this.#url)
    this.#listeners.tell('message', message, message)
    message.over()
  }

  #connect() {
    this.#state = 0
    this.live.connect()
  }

  #opened() {
    this.#state = 1
    this.#stable = this.#clock.setTimeout(() => (this.#retries = 0), this.#options.minUptime ?? 5_000)
    this.#greeting?.begin()
    this.#tell(openEvent())
  }

  /**
   * The application greets the new server itself: in the next socket where it lives once, else in the same one at once.
   */
  #restart() {
    this.#last = { code: RESTART, reason: 'handed over to a server that has to be greeted anew' }
    this.#lost(false)
    if (this.#state === 0) this.#opened()
  }

  /** An attempt came to nothing. */
  #failed() {
    const { once, maxRetries = Infinity } = this.#options
    const over = once || this.retryCount >= maxRetries
    if (over) {
      this.#state = 3
      this.live.close()
    }
    const close = closeEvent({ ...this.#last, wasClean: false })
    this.#tell(errorEvent(explain`The connection could not be opened.`))
    this.#tellClose(close)
  }

  #lost(forGood: boolean) {
    const { code, reason } = this.#last
    this.#stable?.()
    this.#greeting?.begin()
    this.#state = forGood || this.#options.once ? 3 : 0
    if (this.#state === 3) this.live.close()
    const wasClean = code !== 1006
    if (this.#physical && this.#sockets.failing.has(this.#physical)) this.#tell(errorEvent('The connection was lost.'))
    this.#tellClose(closeEvent({ code, reason, wasClean }))
  }

  /** Unless who was told of the error has called `close()`, which is going to tell it. */
  #tellClose(event: Event) {
    if (!this.#giveUpClose) this.#tell(event)
  }

  #ended() {
    this.#state = 3
    this.#tell(closeEvent({ ...this.#last, wasClean: false }))
  }

  #mayReopen() {
    return this.#state === 3 && this.#options.startClosed === true && this.#retries === -1 && !this.#options.once
  }

  #failedToSend(error: Error, size: number) {
    if (this.#options.once) this.#sending.dropped += size
    if (this.#state < 2) this.#tell(errorEvent(error.message, error))
  }

  #tell(event: Event) {
    this.#listeners.dispatch(event)
  }

  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: AddEventListenerOptions | boolean,
  ): void {
    this.#listeners.add(String(type), listener, options)
  }

  removeEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject | null,
    options?: EventListenerOptions | boolean,
  ): void {
    this.#listeners.remove(String(type), listener, options)
  }

  dispatchEvent(event: Event): boolean {
    return this.#listeners.dispatch(event)
  }

  /** What Node shows of an EventTarget is for its own alone. */
  [Symbol.for('nodejs.util.inspect.custom')]() {
    return { url: this.#url, readyState: this.#state, protocol: this.protocol }
  }

  // A field and no static block: the Babel preset of React Native compiles none.
  // biome-ignore lint/correctness/noUnusedPrivateClassMembers: it is there for what its making does
  static readonly #shape: void = shapeAsWebSocket(CoreWebSocket, (socket) => socket.#listeners)
}
