import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../base/clock.js'
import type { ServerFrame } from '../protocol/frames.js'
import { encodeServerFrame } from '../protocol/server-frames.js'
import type { Outlet } from './outlet.js'

/** Bytes of UTF-8 text that many sockets can send as they are. */
export type Encoded = Buffer

/**
 * One server-side socket. After `close` nothing is sent and nothing is heard but its end. Methods, here and wherever there is one
 * of a kind for each leg: an object with getters costs V8 some 500 bytes more.
 */
export interface LegSocket {
  send(frame: ServerFrame): void
  sendEncoded(frame: Encoded): void
  /** Unread bytes: with the system and on the wire there may be more. */
  buffered(): number
  /** Whether more may be sent that can also be sent later: fewer than `low` bytes are unread. */
  hasRoom(low: number): boolean
  /** Calls `then` once, later, when what is unread now has gone. Only where there is no room. */
  whenRoom(then: () => void): void
  /** Stops or goes on reading. */
  pause(): void
  resume(): void
  paused(): boolean
  /** Asks the browser itself, which answers even for a page whose timers stand still. */
  probe(): void
  /** Sends a close frame, and ends the connection when it is answered, or after `patience` milliseconds. */
  close(code: number, reason: string, patience: number): void
  terminate(): void
  /** Monotonic milliseconds of the last byte of a frame that came, and of the last one sent. */
  heardAt(): number
  sentAt(): number
}

export interface LegSocketHandlers {
  text(text: string): void
  binary(): void
  /** Once, whoever ended it. */
  gone(code: number): void
}

/** @param stream what the WebSocket runs on: it tells when there is room again. */
export function createLegSocket(ws: WebSocket, stream: Duplex, clock: Clock, outlet: Outlet, handlers: LegSocketHandlers): LegSocket {
  let closing = false
  let heardAt = clock.monotonic()
  let sentAt = heardAt
  let forget: (() => void) | null = null
  let waiting: (() => void)[] = []

  // What the WebSocket layer finds wrong it closes by itself, with the right code.
  ws.on('error', () => undefined)
  ws.on('message', (data, isBinary) => {
    heardAt = clock.monotonic()
    if (closing) return
    if (isBinary) handlers.binary()
    else handlers.text(data.toString())
  })
  const heard = () => void (heardAt = clock.monotonic())
  ws.on('ping', heard)
  ws.on('pong', heard)
  ws.once('close', (code) => {
    closing = true
    forget?.()
    waiting = []
    stream.off('drain', drained)
    handlers.gone(code)
  })
  stream.on('drain', drained)

  function drained() {
    const all = waiting
    waiting = []
    for (const then of all) then()
  }

  function sendEncoded(frame: Encoded) {
    if (closing || ws.readyState !== ws.OPEN) return
    const now = clock.monotonic()
    outlet.hold(stream, now - sentAt)
    sentAt = now
    ws.send(frame, { binary: false })
  }

  return {
    send: (frame) => sendEncoded(Buffer.from(encodeServerFrame(frame))),
    sendEncoded,
    buffered: () => ws.bufferedAmount,
    // Only a stream that said no more will say when: one with a buffer below its own mark never does.
    hasRoom: (low) => ws.bufferedAmount < low || !stream.writableNeedDrain,
    whenRoom: (then) => void waiting.push(then),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    paused: () => ws.isPaused,
    probe() {
      if (!closing && ws.readyState === ws.OPEN) ws.ping()
    },
    close(code, reason, patience) {
      if (closing) return
      closing = true
      // A paused socket would never hear that its close was answered.
      ws.resume()
      ws.close(code, reason)
      forget = clock.setTimeout(() => ws.terminate(), patience)
    },
    terminate() {
      closing = true
      ws.terminate()
    },
    heardAt: () => heardAt,
    sentAt: () => sentAt,
  }
}
