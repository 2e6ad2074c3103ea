import { explain } from '../base/explanation.js'
import { platformClock, type Clock } from '../base/clock.js'
import { addressOf } from '../base/socket-address.js'
import { PHYSICAL, physicalSocket } from '../legs/physical-socket.js'
import type { LiveSocketOptions } from '../options/options.js'
import { LACKING } from '../protocol/lacking.js'
import type { Parts } from '../options/parts.js'
import { assembleLiveSocket, type CoreSocket } from '../socket/live-socket.js'
import type { Protocol } from '../protocol/protocol.js'
import { rawProtocol } from '../foreign/raw.js'
import { noTokens } from '../tokens/no-tokens.js'
import { createGreeting, type Greeting } from './greeting.js'
import { Listeners } from './listeners.js'
import { messageClass, type SocketMessageClass } from './message-event.js'
import { copied, sizeOf } from './sent-data.js'
import { closeEvent, errorEvent, messageData, openEvent } from './socket-events.js'
import { checkClose, checkSubprotocols, checkUrl, domError } from './socket-checks.js'
import type { LiveWebSocketOptions, UrlProvider } from './web-socket-options.js'

export type { LiveWebSocketOptions, UrlProvider } from './web-socket-options.js'

/** Where a protocol that is made for `LiveWebSocket` puts what the server sends. */
export const DATA = 'data'

const TYPES = ['open', 'message', 'error', 'close'] as const

/** The part of a physical socket that the interface shows. */
interface Physical {
  readonly readyState: number
  readonly protocol: string
  readonly extensions?: string
  readonly bufferedAmount: number
  addEventListener(
    type: 'close' | 'error',
    listener: (event: { code?: number; reason?: string; wasClean?: boolean }) => void,
  ): void
}

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

  static readonly CONNECTING = 0
  static readonly OPEN = 1
  static readonly CLOSING = 2
  static readonly CLOSED = 3
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
  readonly live: CoreSocket
  readonly #options: LiveWebSocketOptions
  readonly #clock: Clock
  readonly #topic: string
  readonly #listeners = new Listeners(this)
  /** What to say to a new server; null where the protocol knows. */
  #greeting: Greeting | null = null
  /** The newest leg that has served. */
  #served = 0
  #url: string
  #state: 0 | 1 | 2 | 3 = 3
  /** Where messages come from, as their events name it. */
  #origin = { of: '', is: '' }
  #binaryType: BinaryType = 'blob'
  /** The class of message events, and the platform's that it is one of: another one may have come since. */
  #Message: SocketMessageClass | null = null
  #platform: typeof MessageEvent | undefined
  #physical: Physical | null = null
  #newest: Physical | null = null
  /** Those that told of an error, which not every break is. */
  readonly #failing = new WeakSet<Physical>()
  #last: { code: number; reason: string } = { code: 1006, reason: '' }
  /**
   * Bytes that `send` took and that are under way, and those that it took in vain: what is counted goes on counting
   * while a socket is closed.
   */
  #waiting = 0
  #unsent = 0
  /** A Blob is read before it can be sent, and what is sent after it waits its turn. */
  #turn: Promise<void> | null = null
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
    this.#topic = options.topic ?? DATA
    this.#clock = options.environment?.clock ?? platformClock
    const settings = this.#settings(url, subprotocols)
    const parts = { noTokens, ...LACKING, ...new.target.parts, protocol: () => settings.protocol }
    this.live = assembleLiveSocket(settings, parts)
    this.#listen()
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
    return this.#waiting + this.#unsent + (this.#physical?.bufferedAmount ?? 0)
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
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
    if (arguments.length === 0) throw new TypeError(explain`send takes what is to be sent.`)
    if (this.#options.once && this.#state === 0)
      throw domError(explain`The socket is not open yet.`, 'InvalidStateError')
    const whole = data instanceof Blob || data instanceof ArrayBuffer || ArrayBuffer.isView(data) ? data : String(data)
    const size = sizeOf(whole)
    // As the standard has it: what is sent too late is counted, and nothing else.
    if (this.#state >= 2 && !this.#mayReopen()) return void (this.#unsent += size)
    this.#waiting += size
    if (!this.#turn && !(whole instanceof Blob)) return this.#publish(whole, size)
    const before = this.#turn ?? Promise.resolve()
    const bytes = whole instanceof Blob ? whole.arrayBuffer() : Promise.resolve(copied(whole))
    // Nobody hears of it before its turn.
    bytes.catch(() => undefined)
    const turn = (this.#turn = before
      .then(async () => this.#publish(await bytes, size))
      .catch((error: Error) => this.#failedToSend(size, error))
      .finally(() => {
        if (this.#turn === turn) this.#turn = null
      }))
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
        send()
        if (dialling) this.#tell(errorEvent(explain`The socket was closed before it was open.`))
        end({ code: 1006 })
      },
      dialling ? 0 : CLOSE_TIMEOUT,
    )
    physical?.addEventListener('close', end)
    if (this.#turn) void this.#turn.finally(send)
    else send()
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
    this.#unsent = 0
    if (this.#state === 3) this.#connect()
  }

  #settings(url: UrlProvider, subprotocols: readonly string[]): LiveSocketOptions & { protocol: Protocol } {
    const {
      protocol,
      words,
      topic: _,
      once,
      WebSocket,
      minReconnectionDelay,
      maxReconnectionDelay,
      reconnectionDelayGrowFactor: _g,
      minUptime: _u,
      connectionTimeout,
      maxRetries: _r,
      maxEnqueuedMessages,
      startClosed: _s,
      debug: _d,
      ...rest
    } = this.#options
    if (!protocol) this.#greeting = createGreeting(words ?? {}, DATA)
    const spoken = protocol ?? rawProtocol(this.#greeting!.options)
    const Class = rest.environment?.WebSocket ?? WebSocket
    const most = maxEnqueuedMessages === Infinity ? Number.MAX_SAFE_INTEGER : maxEnqueuedMessages
    return {
      ...rest,
      url: typeof url === 'function' ? async () => (this.#url = checkUrl(await url())) : this.#url,
      protocol: subprotocols.length > 0 ? { ...spoken, subprotocols } : spoken,
      reconnect: { spread: minReconnectionDelay ?? 5_000, cap: maxReconnectionDelay ?? 10_000, ...rest.reconnect },
      connectTimeout: connectionTimeout ?? rest.connectTimeout ?? 4_000,
      outbox: { ...(most === undefined ? null : { maxMessages: most }), ...rest.outbox },
      // reconnecting-websocket comes back after any close but its own; a socket that lives once never does.
      onClose: rest.onClose ?? (() => (once ? 'stop' : 'retry')),
      environment: { ...rest.environment, WebSocket: this.#watched(Class) },
    }
  }

  /** The class, and what it makes remembered: the interface shows what only the physical socket knows. */
  #watched(Class: unknown): unknown {
    const remember = (physical: Physical) => {
      physical.addEventListener('error', () => this.#failing.add(physical))
      return (this.#newest = physical)
    }
    return function (url: string, protocols?: string[]) {
      const Real = physicalSocket(Class) as new (url: string, protocols?: string[]) => Physical
      return remember(protocols ? new Real(url, protocols) : new Real(url))
    }
  }

  #listen() {
    this.live.subscribe(this.#topic, (data) => {
      if (this.#state === 1) this.#received(data)
    })
    this.live.on('leg-dialling', () => {
      if (this.#state === 0) this.#retries++
    })
    this.live.on('leg-ready', ({ leg }) => {
      this.#served = leg
      this.#physical = this.#newest
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
    const Platform = typeof MessageEvent === 'function' ? MessageEvent : undefined
    if (Platform !== this.#platform || !this.#Message)
      this.#Message = messageClass((this.#platform = Platform), this, this.#clock)
    if (this.#url !== this.#origin.of) this.#origin = { of: this.#url, is: addressOf(this.#url)?.origin ?? '' }
    const message = new this.#Message(messageData(data, this.#binaryType), this.#origin.is)
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
    if (this.#physical && this.#failing.has(this.#physical)) this.#tell(errorEvent('The connection was lost.'))
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

  #publish(data: string | ArrayBuffer | ArrayBufferView, size: number) {
    this.live.publish(this.#topic, data).then(
      () => {
        this.#waiting -= size
      },
      (error: Error) => this.#failedToSend(size, error),
    )
  }

  #failedToSend(size: number, error: Error) {
    this.#waiting -= size
    if (this.#options.once) this.#unsent += size
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
  static readonly #shape: void = (() => {
    // For `instanceof`: its listeners are its own.
    if (typeof EventTarget === 'function') Object.setPrototypeOf(this.prototype, EventTarget.prototype)
    for (const [name, value] of Object.entries({ CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 })) {
      for (const owner of [this, this.prototype])
        Object.defineProperty(owner, name, { value, enumerable: true, writable: false })
    }
    for (const type of TYPES) {
      Object.defineProperty(this.prototype, `on${type}`, {
        enumerable: true,
        configurable: true,
        get(this: CoreWebSocket) {
          return this.#listeners.handlerOf(type)
        },
        set(this: CoreWebSocket, given: unknown) {
          this.#listeners.setHandler(type, typeof given === 'function' ? (given as EventListener) : null)
        },
      })
    }
  })()
}
