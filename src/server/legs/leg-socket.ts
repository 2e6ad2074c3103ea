import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../../base/clock.js'
import type { ServerFrame } from '../../protocol/frames.js'
import { encodeServerFrame } from '../../protocol/server-frames.js'
import { encodeText, type Encoded } from '../topics/encoded.js'
import { writingStream, type WritingStream } from './writing-stream.js'
import { Unread } from './unread.js'
import type { WriteCoalescing } from './write-coalescing.js'

/** Whose socket it is. */
export interface LegSocketOwner {
  text(text: string): void
  binary(): void
  /** A ping leaves that bears this mark, and is answered. */
  asked(mark: string): void
  answered(mark: string): void
  /** Once, whoever ended it. */
  gone(code: number): void
}

export interface LegSocketDeps {
  readonly clock: Clock
  readonly writes: WriteCoalescing
  /** Bytes that may be on their way to it before it has read them. */
  readonly window: number
}

/** Bytes of answers that may wait in this process: whoever does not read them asks in vain. */
const OWED = 64 * 1024
/** What a frame costs besides its bytes. */
const PIECE = 256
/** Of `patience`: how long a leg that still reads may take for what is before its close. */
const LONGEST_CLOSE = 5

/** Where a WebSocket keeps whose it is, so that its listeners are the same functions for all of them. */
const SOCKET = Symbol('leg socket')

interface Owned extends WebSocket {
  [SOCKET]?: LegSocket
}

/**
 * One server-side socket. After `close` nothing is sent and nothing is heard but its end.
 *
 * A class, as is whatever else there is one of for each leg: methods of a prototype and parts that are made when they
 * are first needed cost an idle leg nothing.
 */
export class LegSocket {
  private readonly ws: WebSocket
  private readonly stream: WritingStream
  private readonly deps: LegSocketDeps
  private readonly owner: LegSocketOwner
  private readonly unread: Unread
  private closing = false
  /** Why it is not read: its requests wait, or its answers do. */
  private held = false
  private deaf = false
  /** Bytes of answers that wait in this process, while more waits there than may. */
  private owes = 0
  /** Those who have something for it, in the order in which they found no room. */
  private waiting: Set<() => void> | null = null
  private settling: (() => void)[] | null = null
  private forget: (() => void) | null = null
  /** Monotonic milliseconds of the last byte of a frame that came, and of the last one sent. */
  heardAt: number
  sentAt: number

  /** @param stream what the WebSocket runs on. */
  constructor(ws: WebSocket, stream: Duplex, deps: LegSocketDeps, owner: LegSocketOwner) {
    this.ws = ws
    this.stream = writingStream(ws, stream)
    this.deps = deps
    this.owner = owner
    this.heardAt = this.sentAt = deps.clock.monotonic()
    this.unread = new Unread(deps.window, this.stream, this.heardAt)
    ;(ws as Owned)[SOCKET] = this
    for (const [event, listener] of LISTENERS) ws.on(event, listener)
  }

  /** Sends an answer, or what is said to this leg alone: at once, whatever waits. */
  send(frame: ServerFrame): void {
    this.sendEncoded(encodeText(encodeServerFrame(frame)))
  }

  sendEncoded(frame: Encoded): void {
    this.sendMessage(frame)
    if (this.unread.roomHere()) return
    this.owes += frame.length + PIECE
    if (this.owes < OWED || this.deaf) return
    this.deaf = true
    this.listen()
  }

  /**
   * Sends what could also be sent later, from the log: only while there is room. Past the WebSocket layer, which would
   * make the frame for each leg anew, and write it in two pieces.
   *
   * @param alone nothing else of this turn belongs to it.
   */
  sendMessage(frame: Encoded, alone = false): void {
    if (this.closing || this.ws.readyState !== this.ws.OPEN) return
    const now = this.deps.clock.monotonic()
    const quiet = now - this.sentAt
    this.sentAt = now
    const marks = this.unread.add(frame.length)
    this.deps.writes.write(this.stream, frame, quiet, alone)
    if (marks) this.probe()
  }

  /**
   * Whether the leg has read enough of what it was sent to be sent more that can also be sent later. While it is not
   * read, its pongs are not heard: then only what waits here counts.
   */
  hasRoom(): boolean {
    return this.unread.room() || (this.ws.isPaused && this.unread.roomHere())
  }

  /**
   * Calls `then` once, when there is room, after all who waited before. Only where there is none. The result is the
   * undo: room may never come, and whoever waits may go and come any number of times.
   */
  whenRoom(then: () => void): () => void {
    const waiting = (this.waiting ??= new Set())
    waiting.add(then)
    return () => void waiting.delete(then)
  }

  /** Bytes of answers that wait in this process, while more waits there than may: then the leg is not read either. */
  owed(): number {
    return this.owes
  }

  /** Resolves when it is owed nothing, or is gone; null where that is so now. */
  settled(): Promise<void> | null {
    if (!this.deaf || this.closing) return null
    return new Promise((resolve) => void (this.settling ??= []).push(resolve))
  }

  /** Whether it has read nothing of what waits for it for so many milliseconds. */
  stalled(now: number, patience: number): boolean {
    return this.unread.stalled(now, patience, !this.ws.isPaused)
  }

  /** Stops or goes on reading. */
  pause(): void {
    this.held = true
    this.listen()
  }

  resume(): void {
    this.held = false
    this.listen()
  }

  paused(): boolean {
    return this.ws.isPaused
  }

  /** Asks the browser itself, which answers even for a page whose timers stand still. */
  probe(): void {
    if (this.closing || this.ws.readyState !== this.ws.OPEN) return
    const text = this.unread.mark()
    this.owner.asked(text)
    this.ws.ping(text, undefined, () => this.flushed())
  }

  /**
   * Sends a close frame, and ends the connection when it is answered, or after `patience` milliseconds in which nothing
   * more was read.
   */
  close(code: number, reason: string, patience: number): void {
    if (this.closing) return
    this.closing = true
    this.settle()
    // A paused socket would never hear that its close was answered.
    this.listen()
    this.ws.close(code, reason)
    this.awaitClose(this.deps.clock.monotonic(), patience, patience)
  }

  terminate(): void {
    this.closing = true
    this.ws.terminate()
  }

  /** @internal What the WebSocket tells. */
  onMessage(data: { toString(): string }, isBinary: boolean): void {
    this.heardAt = this.deps.clock.monotonic()
    if (this.closing) return
    if (isBinary) this.owner.binary()
    else this.owner.text(data.toString())
  }

  /** @internal */
  onPing(): void {
    this.heardAt = this.deps.clock.monotonic()
  }

  /** @internal */
  onPong(mark: string): void {
    this.heardAt = this.deps.clock.monotonic()
    this.unread.answered(mark, this.heardAt)
    this.owner.answered(mark)
    this.serveWaiting()
  }

  /** @internal */
  onClose(code: number): void {
    this.closing = true
    this.forget?.()
    this.owner.gone(code)
    this.waiting = null
    this.settle()
  }

  private awaitClose(asked: number, patience: number, wait: number) {
    const { clock } = this.deps
    this.forget = clock.setTimeout(() => {
      const now = clock.monotonic()
      const still = this.unread.progressAt + patience - now
      if (still <= 0 || now - asked >= LONGEST_CLOSE * patience) return this.ws.terminate()
      this.awaitClose(asked, patience, still)
    }, wait)
  }

  private serveWaiting() {
    if (!this.waiting) return
    for (const then of this.waiting) {
      if (!this.hasRoom()) return
      this.waiting?.delete(then)
      then()
    }
  }

  private settle() {
    this.owes = 0
    const all = this.settling
    this.settling = null
    for (const resolve of all ?? []) resolve()
  }

  /** All that was sent before a mark is with the system. */
  private flushed() {
    this.unread.flushed(this.deps.clock.monotonic())
    this.settle()
    this.deaf = false
    this.listen()
    this.serveWaiting()
  }

  private listen() {
    const pause = (this.held || this.deaf) && !this.closing
    if (pause === this.ws.isPaused) return
    if (pause) this.ws.pause()
    else {
      // What it said meanwhile comes only now: it was not silent.
      this.heardAt = this.deps.clock.monotonic()
      this.ws.resume()
    }
    this.serveWaiting()
  }
}

const LISTENERS: readonly (readonly [string, (this: Owned, ...told: any[]) => void])[] = [
  // What the WebSocket layer finds wrong it closes by itself, with the right code.
  ['error', () => undefined],
  [
    'message',
    function (data: { toString(): string }, isBinary: boolean) {
      this[SOCKET]!.onMessage(data, isBinary)
    },
  ],
  [
    'ping',
    function () {
      this[SOCKET]!.onPing()
    },
  ],
  [
    'pong',
    function (mark: Buffer) {
      this[SOCKET]!.onPong(String(mark))
    },
  ],
  [
    'close',
    function (code: number) {
      this[SOCKET]!.onClose(code)
    },
  ],
]
