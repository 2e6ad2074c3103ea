import type { Peer } from '../peers/peer.js'

type Listener = (event: object) => void
type Type = 'open' | 'message' | 'close' | 'error'

/** The server's side of one stub socket. */
export interface Stub {
  /** Delivers a message event to the client synchronously. */
  deliver(event: object): void
}

export interface StubServer {
  /** A WebSocket class without a network. It answers as the server of `peer` does. */
  readonly WebSocket: unknown
  readonly sockets: readonly Stub[]
  /** From this call on, frames from clients are collected instead of answered. Returns the list. */
  keep(): string[]
}

/** A message event as the platform makes it, made ahead of time. */
export function messageEvent(data: string): { readonly data: string } {
  // Node's own MessageEvent is slow to read, and `ws` does not use it.
  const plain = { type: 'message', data }
  return typeof document === 'undefined' ? plain : new MessageEvent('message', plain)
}

export function createStubServer(peer: Peer): StubServer {
  const sockets: Stub[] = []
  let kept: string[] | null = null

  class StubSocket implements Stub {
    static readonly CONNECTING = 0
    static readonly OPEN = 1
    static readonly CLOSING = 2
    static readonly CLOSED = 3
    readonly CONNECTING = 0
    readonly OPEN = 1
    readonly CLOSING = 2
    readonly CLOSED = 3
    readonly extensions = ''
    readonly bufferedAmount = 0
    readonly protocol: string
    binaryType = 'blob'
    readyState = 0
    onopen: Listener | null = null
    onmessage: Listener | null = null
    onclose: Listener | null = null
    onerror: Listener | null = null
    private readonly listeners: Record<Type, Listener[]> = { open: [], message: [], close: [], error: [] }

    constructor(
      readonly url: string,
      protocols: string | readonly string[] = [],
    ) {
      this.protocol = [protocols].flat()[0] ?? ''
      sockets.push(this)
      setTimeout(() => {
        this.readyState = 1
        this.emit('open', { type: 'open' })
        for (const text of peer.greeting ?? []) this.deliver(messageEvent(text))
      })
    }

    send(text: string) {
      if (kept) return void kept.push(text)
      // An answer never arrives before `send` has returned.
      setTimeout(() => {
        for (const answer of peer.answers(text)) this.deliver(messageEvent(answer))
      })
    }

    close(code = 1000, reason = '') {
      if (this.readyState > 1) return
      this.readyState = 3
      setTimeout(() => this.emit('close', { type: 'close', code, reason, wasClean: true }))
    }

    deliver(event: object) {
      this.onmessage?.(event)
      for (const listener of this.listeners.message) listener(event)
    }

    addEventListener(type: Type, listener: Listener) {
      this.listeners[type].push(listener)
    }

    removeEventListener(type: Type, listener: Listener) {
      this.listeners[type] = this.listeners[type].filter((one) => one !== listener)
    }

    private emit(type: Exclude<Type, 'message'>, event: object) {
      this[`on${type}`]?.(event)
      for (const listener of [...this.listeners[type]]) listener(event)
    }
  }

  return {
    WebSocket: StubSocket,
    sockets,
    keep: () => (kept = []),
  }
}
