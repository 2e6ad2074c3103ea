import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../../base/clock.js'
import type { ServerFrame } from '../../protocol/frames.js'
import { encodeServerFrame } from '../../protocol/server-frames.js'
import type { WriteCoalescing } from './write-coalescing.js'
import type { Encoded } from '../topics/message-frame.js'
import { createUnread } from './unread.js'

/**
 * One server-side socket. After `close` nothing is sent and nothing is heard but its end. Methods, here and wherever
 * there is one of a kind for each leg: an object with getters costs V8 some 500 bytes more.
 */
export interface LegSocket {
  /** Sends an answer, or what is said to this leg alone: at once, whatever waits. */
  send(frame: ServerFrame): void
  sendEncoded(frame: Encoded): void
  /** Sends what could also be sent later, from the log: only while there is room. */
  sendMessage(frame: Encoded): void
  /** Whether the leg has read enough of what it was sent to be sent more that can also be sent later. */
  hasRoom(): boolean
  /** Calls `then` once, when there is room, after all who waited before. Only where there is none. */
  whenRoom(then: () => void): void
  /** Bytes of answers that wait in this process, while more waits there than may: then the leg is not read either. */
  owed(): number
  /** Resolves when it is owed nothing, or is gone; null where that is so now. */
  settled(): Promise<void> | null
  /** Whether it has read nothing of what waits for it for so many milliseconds. */
  stalled(now: number, patience: number): boolean
  /** Stops or goes on reading. */
  pause(): void
  resume(): void
  paused(): boolean
  /** Asks the browser itself, which answers even for a page whose timers stand still. */
  probe(): void
  /**
   * Sends a close frame, and ends the connection when it is answered, or after `patience` milliseconds in which nothing
   * more was read.
   */
  close(code: number, reason: string, patience: number): void
  terminate(): void
  /** Monotonic milliseconds of the last byte of a frame that came, and of the last one sent. */
  heardAt(): number
  sentAt(): number
}

export interface LegSocketHandlers {
  text(text: string): void
  binary(): void
  /** A ping leaves that bears this mark, and is answered. */
  asked(mark: string): void
  answered(mark: string): void
  /** Once, whoever ended it. */
  gone(code: number): void
}

/** Bytes of answers that may wait in this process: whoever does not read them asks in vain. */
const OWED = 64 * 1024
/** What a frame costs besides its bytes. */
const PIECE = 256
/** Of `patience`: how long a leg that still reads may take for what is before its close. */
const LONGEST_CLOSE = 5

/**
 * @param stream what the WebSocket runs on.
 * @param window bytes that may be on their way to it before it has read them.
 */
export function createLegSocket(
  ws: WebSocket,
  stream: Duplex,
  clock: Clock,
  writes: WriteCoalescing,
  window: number,
  handlers: LegSocketHandlers,
): LegSocket {
  let closing = false
  let heardAt = clock.monotonic()
  let sentAt = heardAt
  let forget: (() => void) | null = null
  /** Those who have something for it, in the order in which they found no room. */
  let waiting: (() => void)[] = []
  let owed = 0
  let settling: (() => void)[] = []
  /** Why it is not read: its requests wait, or its answers do. */
  let held = false
  let deaf = false
  const unread = createUnread(window, () => stream.writableLength, heardAt)

  // What the WebSocket layer finds wrong it closes by itself, with the right code.
  ws.on('error', () => undefined)
  ws.on('message', (data, isBinary) => {
    heardAt = clock.monotonic()
    if (closing) return
    if (isBinary) handlers.binary()
    else handlers.text(data.toString())
  })
  ws.on('ping', () => void (heardAt = clock.monotonic()))
  ws.on('pong', (mark) => {
    heardAt = clock.monotonic()
    unread.answered(String(mark), heardAt)
    handlers.answered(String(mark))
    serveWaiting()
  })
  ws.once('close', (code) => {
    closing = true
    forget?.()
    handlers.gone(code)
    waiting = []
    settle()
  })

  // While it is not read, its pongs are not heard: then only what waits here counts.
  const hasRoom = () => unread.room() || (ws.isPaused && unread.roomHere())

  function serveWaiting() {
    while (waiting.length > 0 && hasRoom()) waiting.shift()!()
  }

  function settle() {
    owed = 0
    const all = settling
    settling = []
    for (const resolve of all) resolve()
  }

  function give(frame: Encoded) {
    if (closing || ws.readyState !== ws.OPEN) return
    const now = clock.monotonic()
    writes.hold(stream, now - sentAt)
    sentAt = now
    const marks = unread.add(frame.length)
    ws.send(frame, { binary: false })
    if (marks) mark()
  }

  function mark() {
    if (closing || ws.readyState !== ws.OPEN) return
    const text = unread.mark()
    handlers.asked(text)
    ws.ping(text, undefined, flushed)
  }

  /** All that was sent before a mark is with the system. */
  function flushed() {
    unread.flushed(clock.monotonic())
    settle()
    deaf = false
    listen()
    serveWaiting()
  }

  function listen() {
    const pause = (held || deaf) && !closing
    if (pause === ws.isPaused) return
    if (pause) ws.pause()
    else ws.resume()
    serveWaiting()
  }

  function sendEncoded(frame: Encoded) {
    give(frame)
    if (unread.roomHere()) return
    owed += frame.length + PIECE
    if (owed < OWED || deaf) return
    deaf = true
    listen()
  }

  return {
    send: (frame) => sendEncoded(Buffer.from(encodeServerFrame(frame))),
    sendEncoded,
    sendMessage: give,
    hasRoom,
    whenRoom: (then) => void waiting.push(then),
    owed: () => owed,
    settled: () => (deaf && !closing ? new Promise((resolve) => void settling.push(resolve)) : null),
    stalled: unread.stalled,
    pause() {
      held = true
      listen()
    },
    resume() {
      held = false
      listen()
    },
    paused: () => ws.isPaused,
    probe: mark,
    close(code, reason, patience) {
      if (closing) return
      closing = true
      settle()
      // A paused socket would never hear that its close was answered.
      listen()
      const asked = clock.monotonic()
      ws.close(code, reason)
      const look = () => {
        const now = clock.monotonic()
        const still = unread.movedAt() + patience - now
        if (still <= 0 || now - asked >= LONGEST_CLOSE * patience) return ws.terminate()
        forget = clock.setTimeout(look, still)
      }
      forget = clock.setTimeout(look, patience)
    },
    terminate() {
      closing = true
      ws.terminate()
    },
    heardAt: () => heardAt,
    sentAt: () => sentAt,
  }
}
