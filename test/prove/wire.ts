/** What travels on a connection, in one of its two directions. */
export type Item =
  | { readonly kind: 'open' }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'close'; readonly code: number; readonly reason: string }
  /** The connection is reset, or was never made. */
  | { readonly kind: 'reset' }

/** One direction of a connection: what was sent and has not arrived, in order. */
export interface Queue {
  readonly name: string
  readonly items: { readonly item: Item; readonly sent: number }[]
  deliver(item: Item): void
}

export interface ServerEnd {
  opened(connection: Connection): void
  received(connection: Connection, text: string): void
  closed(connection: Connection): void
}

/** One WebSocket as it looks from outside: two queues, and who listens at their ends. */
export interface Connection {
  readonly leg: number
  readonly url: string
  readonly up: Queue
  readonly down: Queue
  /** From the server. After `close` or `reset` nothing more is sent. */
  send(frame: object): void
  close(code: number, reason: string): void
  reset(): void
  /** Nothing of it is under way and nothing will be. */
  readonly over: boolean
  /** The page's socket is connecting or open, and the page has not closed it. */
  readonly held: boolean
  /** The server has accepted it and neither side has ended it. */
  readonly sound: boolean
}

export interface Network {
  /** Where a dial to that URL arrives; null: nobody is there. */
  serverAt(url: string): ServerEnd | null
  /** Each connection once, as it is dialled. */
  dialled(connection: Connection): void
  /** What the page sent. */
  sent(connection: Connection, text: string): void
  /** Order in which things were sent, over all connections. */
  tick(): number
}

interface WorldEvent {
  readonly type: 'open' | 'message' | 'error' | 'close'
  readonly [field: string]: unknown
}

type Listener = (event: WorldEvent) => void

/** A browser's WebSocket class whose connections are queues that somebody else moves on. */
export function createWorldSocket(network: Network): typeof WebSocket {
  let legs = 0
  // A target and events of Node's own would cost more than the client that hears them.
  class WorldSocket {
    static readonly CONNECTING = 0
    static readonly OPEN = 1
    static readonly CLOSING = 2
    static readonly CLOSED = 3
    readyState = 0
    protocol = ''
    bufferedAmount = 0
    binaryType = 'blob'
    onopen: Listener | null = null
    onmessage: Listener | null = null
    onerror: Listener | null = null
    onclose: Listener | null = null
    readonly #listeners = new Map<string, Set<Listener>>()
    #closed = false
    #serverDone = false
    readonly #server: ServerEnd | null
    readonly #connection: Connection
    readonly #up: Queue
    readonly #down: Queue

    constructor(readonly url: string) {
      const leg = ++legs
      this.#server = network.serverAt(url)
      this.#up = { name: `${leg}↑`, items: [], deliver: (item) => this.#arriveUp(item) }
      this.#down = { name: `${leg}↓`, items: [], deliver: (item) => this.#arriveDown(item) }
      this.#connection = this.#describe(leg)
      this.#push(this.#up, { kind: 'open' })
      network.dialled(this.#connection)
    }

    #describe(leg: number): Connection {
      const push = (item: Item, last: boolean) => {
        if (this.#serverDone) return
        this.#serverDone = last
        this.#push(this.#down, item)
      }
      const overNow = () => this.readyState === 3 && this.#up.items.length === 0
      const heldNow = () => this.readyState < 2 && !this.#closed
      const soundNow = () => this.readyState === 1 && !this.#serverDone && !this.#closed
      return {
        leg,
        url: this.url,
        up: this.#up,
        down: this.#down,
        send: (frame) => push({ kind: 'text', text: JSON.stringify(frame) }, false),
        close: (code, reason) => push({ kind: 'close', code, reason }, true),
        reset: () => push({ kind: 'reset' }, true),
        get over() {
          return overNow()
        },
        get held() {
          return heldNow()
        },
        get sound() {
          return soundNow()
        },
      }
    }

    #push(queue: Queue, item: Item) {
      queue.items.push({ item, sent: network.tick() })
    }

    #arriveUp(item: Item) {
      if (item.kind === 'open') {
        if (this.#closed) return
        if (!this.#server) return this.#connection.reset()
        this.#push(this.#down, { kind: 'open' })
        return this.#server.opened(this.#connection)
      }
      if (this.#serverDone) return
      if (item.kind === 'text') return this.#server!.received(this.#connection, item.text)
      this.#serverDone = true
      this.#server?.closed(this.#connection)
    }

    #arriveDown(item: Item) {
      if (item.kind === 'open') {
        if (this.readyState !== 0) return
        this.readyState = 1
        this.protocol = 'livesocket.v1'
        return this.#emit({ type: 'open' })
      }
      if (item.kind === 'text') {
        if (this.readyState === 1) this.#emit({ type: 'message', data: item.text })
        return
      }
      if (this.readyState === 3) return
      const opened = this.readyState !== 0
      this.readyState = 3
      if (item.kind === 'reset') this.#push(this.#up, { kind: 'reset' })
      if (item.kind === 'reset' || !opened) this.#emit({ type: 'error' })
      const close = item.kind === 'close' && opened ? item : { code: 1006, reason: '' }
      this.#emit({ type: 'close', code: close.code, reason: close.reason, wasClean: opened })
    }

    send(data: string) {
      if (this.readyState !== 1) return
      network.sent(this.#connection, data)
      this.#push(this.#up, { kind: 'text', text: data })
    }

    close(code = 1005, reason = '') {
      if (this.readyState >= 2) return
      this.readyState = 2
      this.#closed = true
      this.#push(this.#up, { kind: 'close', code, reason })
      // Nobody hears what comes after it: the page has let go.
      this.readyState = 3
      this.#down.items.length = 0
      this.#serverDone = this.#serverDone || !this.#server
    }

    addEventListener(type: string, listener: Listener) {
      const those = this.#listeners.get(type) ?? new Set()
      this.#listeners.set(type, those.add(listener))
    }

    removeEventListener(type: string, listener: Listener) {
      this.#listeners.get(type)?.delete(listener)
    }

    #emit(event: WorldEvent) {
      this[`on${event.type}` as 'onopen']?.(event)
      for (const listener of [...(this.#listeners.get(event.type) ?? [])]) listener(event)
    }
  }
  return WorldSocket as unknown as typeof WebSocket
}
