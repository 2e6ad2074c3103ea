import { nanoid } from 'nanoid'
import Reconnecting, { type Options } from 'reconnecting-websocket'
import WebSocket from 'ws'
import { systemClock } from '../src/base/clock.js'
import { SUBPROTOCOL } from '../src/protocol/frames.js'

// Its types describe an ES module; what Node loads is CommonJS, whose default import is the class itself.
const ReconnectingWebSocket = Reconnecting as unknown as typeof Reconnecting.default

/**
 * Clients that are in common use, in the same run and against the same servers. Each speaks a minimum of livesocket.v1 by
 * hand: a hello with its topics, and then it reads messages. So all clients get the same frames from the same process at
 * the same time. They differ only in what they do when they are asked to hand over, or are closed.
 */
export interface Peer {
  close(): void
}

export interface PeerOptions {
  url: string
  topics: readonly string[]
  token?: () => Promise<string>
  message(topic: string, offset: number, data: unknown): void
  live(live: boolean): void
  /** The client was asked to hand over, or was closed without a request. */
  moving(): void
}

/** The server rightly treats a silent leg as dead. */
const PING = { text: JSON.stringify({ type: 'ping' }), every: 5_000 }

function keepPinging(send: (text: string) => void): () => void {
  let cancel = () => {}
  const next = () => {
    cancel = systemClock.setTimeout(() => {
      send(PING.text)
      next()
    }, PING.every)
  }
  next()
  return () => cancel()
}

const hello = (topics: readonly string[], token?: string): string =>
  JSON.stringify({
    type: 'hello',
    session: nanoid(),
    leg: 1,
    ...(token === undefined ? undefined : { token }),
    topics: Object.fromEntries(topics.map((topic) => [topic, {}])),
  })

/** reconnecting-websocket at its fastest: it dials at once, and again at once. */
export const FASTEST: Options = { minReconnectionDelay: 0, maxReconnectionDelay: 0, minUptime: 0 }

/**
 * When its connect timeout ends a dial, the library removes its listeners first. The error that `ws` emits then would end
 * the process; in a browser it would have no effect.
 */
class QuietWebSocket extends WebSocket {
  constructor(url: string, protocols?: string | string[]) {
    super(url, protocols)
    this.on('error', () => {})
  }
}

/**
 * A stock reconnecting-websocket, with its defaults or at its fastest. It knows no handovers, and reconnects when it is
 * closed.
 */
export function connectReconnecting(peer: PeerOptions, options: Options = {}): Peer {
  const socket = new ReconnectingWebSocket(peer.url, SUBPROTOCOL, { WebSocket: QuietWebSocket, ...options })
  socket.addEventListener('open', () => {
    void (peer.token?.() ?? Promise.resolve(undefined)).then((token) => socket.send(hello(peer.topics, token)))
  })
  let live = false
  socket.addEventListener('close', () => {
    if (!live) return
    live = false
    peer.live(false)
    peer.moving()
  })
  socket.addEventListener('message', (event: MessageEvent) => {
    const frame = JSON.parse(String(event.data)) as { type: string; topic: string; offset: number; data: unknown }
    if (frame.type === 'welcome') peer.live((live = true))
    if (frame.type === 'message') peer.message(frame.topic, frame.offset, frame.data)
  })
  const stopPinging = keepPinging((text) => socket.readyState === WebSocket.OPEN && socket.send(text))
  return {
    close() {
      stopPinging()
      socket.close()
    },
  }
}

/** Milliseconds that it waits before a dial when it was closed and has no other socket. */
const REDIAL = 50

/**
 * Two raw overlapping sockets, as applications write them. When asked to hand over it opens a second socket; at the first
 * message there it switches to that socket, closes the first one, and drops messages at or below the last number. A
 * browser drops what arrives after `close()`, so this client does too.
 */
export function connectOverlapping(peer: PeerOptions): Peer {
  const last = new Map<string, number>()
  const leaveOf = new WeakMap<WebSocket, () => void>()
  let current: WebSocket | undefined
  let closed = false

  const dial = () => {
    const socket = new WebSocket(peer.url, SUBPROTOCOL)
    let gone = false
    leaveOf.set(socket, () => {
      gone = true
      socket.close(1000)
    })
    socket.on('error', () => {})
    socket.on('open', () => {
      void (peer.token?.() ?? Promise.resolve(undefined)).then((token) => socket.send(hello(peer.topics, token)))
    })
    socket.on('message', (text) => {
      if (gone) return
      const frame = JSON.parse(String(text)) as { type: string; topic: string; offset: number; data: unknown }
      if (frame.type === 'handover' && socket === current) {
        peer.moving()
        dial()
      }
      if (frame.type !== 'message') return
      if (socket !== current) {
        if (current) leaveOf.get(current)?.()
        else peer.live(true)
        current = socket
      }
      if (frame.offset <= (last.get(frame.topic) ?? 0)) return
      last.set(frame.topic, frame.offset)
      peer.message(frame.topic, frame.offset, frame.data)
    })
    socket.on('close', () => {
      gone = true
      if (closed || (current && socket !== current)) return
      if (current) peer.live(false)
      current = undefined
      systemClock.setTimeout(dial, REDIAL)
    })
  }

  dial()
  const stopPinging = keepPinging((text) => current?.readyState === WebSocket.OPEN && current.send(text))
  return {
    close() {
      closed = true
      stopPinging()
      current?.close(1000)
    },
  }
}
