/** What travels on a connection in one of its two directions. */
export type Item =
  | { readonly kind: 'open' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  /** The connection was reset, or never opened. */
  | { readonly kind: 'reset' }

/** One direction of a connection: what was sent and has not arrived, in order. */
export class Queue<Sent = Item> {
  readonly name: string
  readonly items: { readonly item: Sent; readonly sent: number }[] = []
  readonly #arrived: (item: Sent) => void

  constructor(name: string, arrived: (item: Sent) => void) {
    this.name = name
    this.#arrived = arrived
  }

  push(item: Sent, sent: number) {
    this.items.push({ item, sent })
  }

  /** Delivers the first item. */
  arrive() {
    this.#arrived(this.items.shift()!.item)
  }
}

export interface ServerEnd {
  opened(connection: Connection): void
  received(connection: Connection, text: string): void
  closed(connection: Connection): void
}

/** One WebSocket as seen from outside: two queues, and the listeners at their ends. */
export interface Connection {
  readonly leg: number
  readonly url: string
  readonly up: Queue
  readonly down: Queue
  /** Sends from the server. After `end` or `reset` nothing more is sent. */
  tell(frame: object): void
  end(code: number, reason: string): void
  reset(): void
  /** Nothing is under way on it, and nothing will be. */
  readonly over: boolean
  /** The page's socket is connecting or open, and the page has not closed it. */
  readonly held: boolean
  /** The page has it open, and neither side has closed it. */
  readonly sound: boolean
  /** The server has accepted it and has received no close. */
  readonly served: boolean
}

export interface Network {
  /** The server that a dial to this URL reaches, called when the dial arrives; null: none. */
  serverAt(url: string): ServerEnd | null
  /** Whether a dial at this moment fails. */
  readonly cut: boolean
  /** Called once for each connection, when it is dialled. */
  dialled(connection: Connection): void
  /** Called before an item of this queue arrives. */
  arriving(connection: Connection, queue: Queue, item: Item): void
  /** Called for each text that the page sends. */
  sent(connection: Connection, text: string): void
  /** A number for the order of sending, over all connections. */
  tick(): number
  /** How many legs there have been. */
  legs: number
}

interface WorldEvent {
  readonly type: 'open' | 'message' | 'error' | 'close'
  readonly [field: string]: unknown
}

type Listener = (event: WorldEvent) => void

/** A browser's WebSocket class whose connections are queues; the world delivers their items. */
export function createWorldSocket(network: Network): typeof WebSocket {
  // One class for each network would be a new shape of objects in each world: slow, and it would keep the whole world
  // alive.
  const bound = WorldSocket.bind(null, network)
  return Object.assign(bound, { CONNECTING: 0, OPEN: 1, CLOSING: 2, CLOSED: 3 }) as unknown as typeof WebSocket
}

/** Both ends of a WebSocket. Node's own EventTarget and events would cost more than the client that uses them. */
class WorldSocket implements Connection {
  readyState = 0
  protocol = ''
  bufferedAmount = 0
  binaryType = 'blob'
  onopen: Listener | null = null
  onmessage: Listener | null = null
  onerror: Listener | null = null
  onclose: Listener | null = null
  readonly url: string
  readonly leg: number
  readonly up: Queue
  readonly down: Queue
  readonly #network: Network
  readonly #cut: boolean
  #server: ServerEnd | null = null
  readonly #listeners = new Map<string, Set<Listener>>()
  #closed = false
  #serverDone = false

  constructor(network: Network, url: string) {
    this.url = url
    this.leg = ++network.legs
    this.#network = network
    this.#cut = network.cut
    this.up = new Queue(`${this.leg}↑`, (item) => this.#arriveUp(item))
    this.down = new Queue(`${this.leg}↓`, (item) => this.#arriveDown(item))
    this.#push(this.up, OPEN)
    network.dialled(this)
  }

  get over() {
    return this.readyState === 3 && this.up.items.length === 0
  }

  get held() {
    return this.readyState < 2 && !this.#closed
  }

  get sound() {
    return this.readyState === 1 && !this.#serverDone && !this.#closed
  }

  get served() {
    return this.#server !== null && !this.#serverDone
  }

  tell(frame: object) {
    if (!this.#serverDone) this.#push(this.down, { kind: 'text', text: JSON.stringify(frame) })
  }

  end(code: number, reason: string) {
    this.#last({ kind: 'close', code, reason })
  }

  reset() {
    this.#last(RESET)
  }

  #last(item: Item) {
    if (this.#serverDone) return
    this.#push(this.down, item)
    this.#letGo()
  }

  /** The server's end is closed: what is still on its way to it is dropped. */
  #letGo() {
    this.#serverDone = true
    this.up.items.length = 0
    this.#server?.closed(this)
  }

  #push(queue: Queue, item: Item) {
    // What is sent to an end that has let go is never received, so it makes no difference which of the two came first.
    if (queue === this.down ? this.#closed : this.#serverDone) return
    queue.push(item, this.#network.tick())
  }

  #arriveUp(item: Item) {
    this.#network.arriving(this, this.up, item)
    if (item.kind === 'open') {
      this.#server = this.#cut ? null : this.#network.serverAt(this.url)
      if (!this.#server) return this.reset()
      this.#push(this.down, OPEN)
      this.#server.opened(this)
    }
    if (item.kind === 'text') this.#server!.received(this, item.text)
    this.#leave()
  }

  /**
   * A page that has closed its end is gone once everything that it sent before has arrived; a later moment would make
   * no difference.
   */
  #leave() {
    if (this.#closed && this.up.items.length === 0 && !this.#serverDone) this.#letGo()
  }

  #arriveDown(item: Item) {
    this.#network.arriving(this, this.down, item)
    if (item.kind === 'open') {
      if (this.readyState !== 0) return
      this.readyState = 1
      this.protocol = 'livesocket.v1'
      return this.#emit(this.onopen, { type: 'open' })
    }
    if (item.kind === 'text') {
      if (this.readyState === 1) this.#emit(this.onmessage, { type: 'message', data: item.text })
      return
    }
    if (this.readyState === 3) return
    const opened = this.readyState !== 0
    this.readyState = 3
    if (item.kind === 'reset' || !opened) this.#emit(this.onerror, { type: 'error' })
    const { code, reason } = item.kind === 'close' && opened ? item : LOST
    this.#emit(this.onclose, { type: 'close', code, reason, wasClean: opened })
  }

  send(data: string) {
    if (this.readyState !== 1) return
    this.#network.sent(this, data)
    this.#push(this.up, { kind: 'text', text: data })
  }

  close() {
    if (this.readyState >= 2) return
    this.#closed = true
    // Nothing after this is received, because the page has let go.
    this.readyState = 3
    this.down.items.length = 0
    this.#leave()
  }

  addEventListener(type: string, listener: Listener) {
    const those = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, those.add(listener))
  }

  removeEventListener(type: string, listener: Listener) {
    this.#listeners.get(type)?.delete(listener)
  }

  #emit(handler: Listener | null, event: WorldEvent) {
    handler?.(event)
    const listeners = this.#listeners.get(event.type)
    if (listeners) for (const listener of [...listeners]) listener(event)
  }
}

const OPEN: Item = { kind: 'open' }
const RESET: Item = { kind: 'reset' }
const LOST = { code: 1006, reason: '' }
