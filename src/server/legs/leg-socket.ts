import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Clock } from '../../base/clock.js'
import type { ServerFrame } from '../../protocol/frames.js'
import { encodeServerFrame } from '../../protocol/server-frames.js'
import { encodeText, type Encoded } from '../topics/encoded.js'
import { writingStream, type WritingStream } from './writing-stream.js'
import { Unread } from './unread.js'
import type { WriteCoalescing } from './write-coalescing.js'

/** The owner of a socket. */
export interface LegSocketOwner {
  text(text: string): void
  binary(): void
  /** A ping with this mark was sent; its pong came. */
  asked(mark: string): void
  answered(mark: string): void
  /** Called once, whoever ended the connection. */
  gone(code: number): void
}

export interface LegSocketDeps {
  readonly clock: Clock
  readonly writes: WriteCoalescing
  /** The most bytes that may be on their way before the client has read them. */
  readonly window: number
}

/** The most bytes of answers that may wait in this process. Beyond it the leg's frames are not read. */
const OWED = 64 * 1024
/** The bytes that a frame costs besides its content. */
const PIECE = 256
/** A leg that still reads may take this many times `patience` to read what is before its close frame. */
const LONGEST_CLOSE = 5

/** The key under which a WebSocket keeps its owner, so that all of them share the same listener functions. */
const SOCKET = Symbol('leg socket')

interface Owned extends WebSocket {
  [SOCKET]?: LegSocket
}

/**
 * One socket on the server's side. After `close` nothing is sent, and nothing is heard except its end.
 *
 * It is a class, like everything of which each leg has one: methods on a prototype, and parts that are created when
 * they are first needed, cost an idle leg nothing.
 */
export class LegSocket {
  private readonly ws: WebSocket
  private readonly stream: WritingStream
  private readonly deps: LegSocketDeps
  private readonly owner: LegSocketOwner
  private readonly unread: Unread
  private closing = false
  /** Why the socket is not read: its queue is full, or its answers are not being read. */
  private held = false
  private deaf = false
  /** Bytes of answers that wait in this process, counted while more waits there than may. */
  private owes = 0
  /** Callbacks that have messages for it, in the order in which they found no room. */
  private waiting: Set<() => void> | null = null
  private settling: (() => void)[] | null = null
  private forget: (() => void) | null = null
  /** When the last frame arrived completely and when the last one was sent, in monotonic milliseconds. */
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

  /** Sends an answer, or another frame for this leg alone: at once, whatever else waits. */
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
   * Sends what could also be sent later from the log; to be called only while there is room. It bypasses the WebSocket
   * layer, which would encode the frame again for each leg, and write it in two pieces.
   *
   * @param alone no other frame of this turn belongs with it.
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
   * Whether the leg has read enough to be sent more of what could also be sent later. While the leg is not read, its
   * pongs are not received, so only what waits in this process counts.
   */
  hasRoom(): boolean {
    return this.unread.room() || (this.ws.isPaused && this.unread.roomHere())
  }

  /**
   * Calls `then` once, when there is room, after all callbacks that waited before. To be called only if there is no
   * room. The result cancels it: room may never come, and a caller may come and go any number of times.
   */
  whenRoom(then: () => void): () => void {
    const waiting = (this.waiting ??= new Set())
    waiting.add(then)
    return () => void waiting.delete(then)
  }

  /**
   * Bytes of answers that wait in this process, counted while more waits there than may. The leg is then not read
   * either.
   */
  owed(): number {
    return this.owes
  }

  /** Resolves when no answers wait, or the leg is gone; null if that is so already. */
  settled(): Promise<void> | null {
    if (!this.deaf || this.closing) return null
    return new Promise((resolve) => void (this.settling ??= []).push(resolve))
  }

  /** Whether it has read nothing of what waits for it for that many milliseconds. */
  stalled(now: number, patience: number): boolean {
    return this.unread.stalled(now, patience, !this.ws.isPaused)
  }

  /** Stops and resumes reading. */
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

  /** Sends a WebSocket ping, which the browser answers itself, even for a page whose timers do not run. */
  probe(): void {
    if (this.closing || this.ws.readyState !== this.ws.OPEN) return
    const text = this.unread.mark()
    this.owner.asked(text)
    this.ws.ping(text, undefined, () => this.flushed())
  }

  /**
   * Sends a close frame, and ends the connection when it is answered, or after `patience` milliseconds in which the
   * client read nothing more.
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

  /** @internal Called by the WebSocket's listeners. */
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

  /** Everything that was sent before a mark has been given to the system. */
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
      // What the client sent meanwhile is read only now: it was not silent.
      this.heardAt = this.deps.clock.monotonic()
      this.ws.resume()
    }
    this.serveWaiting()
  }
}

const LISTENERS: readonly (readonly [string, (this: Owned, ...told: any[]) => void])[] = [
  // The WebSocket layer closes for protocol errors itself, with the right code.
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
