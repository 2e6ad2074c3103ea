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

/** The topic of what the server sends, in a protocol that is made for `LiveWebSocket`. */
export const DATA = 'data'

/** Milliseconds that `close()` waits for the server's answer. After that the `close` event has the code 1006. */
const CLOSE_TIMEOUT = 3_000

/** The code of the `close` event for a handover that the application must see. */
const RESTART = 1012

/**
 * An application may replace this property by `LiveWebSocket` later. The property is looked up and its value is not:
 * Node loads its own class when the value is read.
 */
const platform = Object.getOwnPropertyDescriptor(globalThis, 'WebSocket')

/** `LiveWebSocket` in less code: its options have no `getToken`. */
export class CoreWebSocket implements EventTarget {
  /** Further parts of the live socket: `tokens` if the options may have `getToken`. Default: none. */
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

  /** A class that has these options, for libraries that create the socket themselves. */
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

  /** The connection underneath: its events, its store, `handover()`. */
  readonly live: LiveConnection
  readonly #options: LiveWebSocketOptions
  readonly #clock: Clock
  readonly #listeners = new Listeners(this)
  /** What a new server must be told; null if the protocol knows that. */
  #greeting: Greeting | null = null
  /** The newest leg that has served. */
  #served = 0
  #url: string
  #state: 0 | 1 | 2 | 3 = 3
  #binaryType: BinaryType = 'blob'
  readonly #messages: MessageEvents
  readonly #sockets = new PhysicalSockets()
  /** The physical socket of the active leg. */
  #physical: Physical | null = null
  #last: { code: number; reason: string } = { code: 1006, reason: '' }
  readonly #sending: Sending
  #retries = -1
  #stable: (() => void) | null = null
  /** While `close()` waits for the server's answer: ends that wait. */
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
  /** Bytes that `send` has accepted and that have not been sent yet. */
  get bufferedAmount() {
    return this.#sending.bytes + (this.#physical?.bufferedAmount ?? 0)
  }
  get binaryType() {
    return this.#binaryType
  }
  set binaryType(type: BinaryType) {
    // The standard ignores any other value.
    if (type === 'blob' || type === 'arraybuffer') this.#binaryType = type
  }
  /** How many dials followed the last stable connection, not counting the first one. */
  get retryCount() {
    return Math.max(0, this.#retries)
  }

  /**
   * Sends when the socket is open, or after it opens. With `once` it throws an `InvalidStateError` DOMException before
   * that.
   */
  send(data: Sendable): void {
    if (arguments.length === 0) throw new TypeError(explain`send needs the data as its argument.`)
    if (this.#options.once && this.#state === 0)
      throw domError(explain`The socket is not open yet.`, 'InvalidStateError')
    this.#sending.accept(sendable(data), this.#state < 2 || this.#mayReopen())
  }

  /**
   * Throws an `InvalidAccessError` for a code other than 1000 and 3000 to 4999, a `SyntaxError` for a reason over 123
   * bytes.
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
      // What `close()` waited for may not have been sent. No connection is made again for it.
      this.live.close(goodbye.code, goodbye.reason)
      this.#tell(
        closeEvent({
          code: event.code ?? 1006,
          reason: event.reason ?? '',
          wasClean: event.wasClean ?? event.code !== 1006,
        }),
      )
    }
    // If the application has connected again meanwhile, that connection is not closed.
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
   * Closes the connection, or the dial, and connects again; the count of retries starts over. `live.handover()` hands
   * over without a break.
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
      // A new server expects a greeting that only the library can send, and closes with a code from 4400 to 4499.
      if (
        this.#options.once &&
        this.#state === 1 &&
        by === 'server' &&
        leg > this.#served &&
        code >= 4400 &&
        code <= 4499
      )
        return this.#restart()
      // The reason of a 1006 is the library's own and was not sent by the server.
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
   * The application greets the new server itself: on its next socket if this one lives `once`, otherwise on this one,
   * which reopens at once.
   */
  #restart() {
    this.#last = { code: RESTART, reason: 'handed over to a server that has to be greeted anew' }
    this.#lost(false)
    if (this.#state === 0) this.#opened()
  }

  /** A dial has failed. */
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

  /** Emits a `close` event, unless a listener of the error has called `close()`, which emits one itself. */
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

  /** Node's own view of an EventTarget works only for its own class. */
  [Symbol.for('nodejs.util.inspect.custom')]() {
    return { url: this.#url, readyState: this.#state, protocol: this.protocol }
  }

  // A field instead of a static block, because the Babel preset of React Native compiles none.
  // biome-ignore lint/correctness/noUnusedPrivateClassMembers: it is there for what its making does
  static readonly #shape: void = shapeAsWebSocket(CoreWebSocket, (socket) => socket.#listeners)
}
