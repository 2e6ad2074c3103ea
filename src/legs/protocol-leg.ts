import { NO_WELCOME } from '../policy/leg-failure.js'
import { explain } from '../base/explanation.js'
import { createAlarm, type Alarm } from '../base/alarm.js'
import { since, type Clock, type Instant, type Present } from '../base/clock.js'
import { redactedText } from '../base/token-redaction.js'
import { createHeartbeat, type Heartbeat, type HeartbeatHandlers } from './heartbeat.js'
import { createLeg, type Leg, type LegHandlers } from './leg.js'
import { bounded, bounds } from '../policy/bounds.js'
import { isAboutLeg, isFinal } from '../policy/close-verdict.js'
import type { ClientFrame, ErrorFrame, Rejected, ServerFrame, TopicAnswers, WelcomeFrame } from '../protocol/frames.js'
import { plainFrame } from '../protocol/plain-frame.js'
import type { Codec, Line, Protocol, WireData } from '../protocol/protocol.js'

/** How to reach a server and how to talk to it: the same for all legs of a socket. */
export interface LegSettings {
  readonly clock: Clock & { readonly present: Present }
  readonly protocol: Protocol
  readonly WebSocket: unknown
  readonly heartbeat: { readonly interval: number; readonly timeout: number } | false
}

export interface LegEnd {
  readonly code: number
  readonly reason: string
  readonly opened: boolean
  /** What the server said about the leg before it closed it. */
  readonly error: ErrorFrame | undefined
}

/** How long, in ms, a server may take to close a leg after announcing it. */
const CLOSE_AFTER_ERROR = 1_000

/**
 * The server must receive a frame within the silence that it allows. This part of that time is the client's; the rest
 * is for a late timer (a second in a hidden page) and for the network. Our server sends unasked only after 0.9 of it,
 * and so hardly ever.
 */
const KEEPALIVE = 0.8

/** If the server says that the welcome is still to come, the total wait is up to this many times `connectTimeout`. */
const QUEUED = 12

function isSeveral(decoded: object): decoded is readonly (ServerFrame | Rejected)[] {
  return Array.isArray(decoded)
}

/**
 * One leg from its dial to its end: fetches what the dial needs, says hello, is welcomed, keeps its heartbeat. A
 * subclass supplies what the leg needs, and receives what arrives.
 */
export abstract class ProtocolLeg implements LegHandlers, HeartbeatHandlers, Line {
  readonly clock: Clock
  readonly dialledAt: Instant
  /** The dialled URL, without the query; empty before it is known. */
  url = ''
  token: string | undefined
  /** The content of its welcome, and when it arrived. */
  welcome: (Pick<WelcomeFrame, 'server' | 'maxFrame'> & { readonly at: Instant }) | null = null
  /**
   * Since when the leg is silent: nothing arrived for too long, and its ping was not answered. Null: it is not silent.
   */
  silentSince: Instant | null = null
  /** The welcome's answers about topics, until the leg serves. */
  answers: TopicAnswers | null = null
  readonly #settings: LegSettings
  readonly #codec: Codec
  /** The time limit from the dial to the welcome, ms. */
  readonly connectTimeout: number
  /** Aborts fetching what the dial needs; null once there is a socket, since by then everything has been fetched. */
  #abort: AbortController | null = new AbortController()
  #socket: Leg | null = null
  #heartbeat: Heartbeat | null = null
  #opened = false
  #over = false
  /** When the last frame arrived. Null: something was sent since then, which the next frame may answer. */
  #heardAt: Instant | null = null
  /** When the time limit began, with the token at hand. */
  #dialling: Instant
  readonly #late: Alarm
  /** The time limit was shortened. */
  #hurried = false
  #error: ErrorFrame | undefined

  constructor(settings: LegSettings, connectTimeout: number) {
    const { clock, protocol } = settings
    this.#settings = settings
    this.clock = clock
    this.connectTimeout = connectTimeout
    this.dialledAt = this.#dialling = clock.present.look()
    this.#late = createAlarm(clock, this.#timedOut, this)
    this.#codec = protocol.open(this)
  }

  // For the subclass.

  /** Fetches the token for the hello. */
  protected abstract bearer(signal: AbortSignal): Promise<string | undefined>
  /** The URL to dial. */
  protected abstract address(signal: AbortSignal): Promise<string>
  /** The socket is open: returns the frame to send. */
  protected abstract hello(): ClientFrame
  /** Data has arrived, whatever its content. */
  protected abstract arrived(at: Instant): void
  protected abstract frame(frame: ServerFrame): void
  abstract invalid(rejected: Rejected): void
  protected abstract silent(): void
  /** The leg ended on its own. Not called for a leg that was closed. */
  protected abstract ended(end: LegEnd): void

  // From its dial to its welcome.

  /** Called once. The socket must open within `openTimeout` ms. */
  dial(openTimeout: number): void {
    this.#dial(openTimeout, this.#abort!.signal).catch((thrown: unknown) => {
      // An aborted fetch is the client's own doing; any other error is a dial that failed before there was a socket.
      this.died({ code: 1006, reason: thrown instanceof Error ? thrown.message : 'the dial failed' })
    })
  }

  async #dial(openTimeout: number, signal: AbortSignal) {
    const { clock, protocol, WebSocket } = this.#settings
    this.token = await this.bearer(signal)
    if (this.#over) return
    this.#late.set(openTimeout)
    this.#dialling = clock.present.look()
    const url = await this.address(signal)
    if (this.#over) return
    this.url = this.#plain(url.split('?')[0]!)
    const plainly = { url, subprotocols: protocol.subprotocols }
    this.#socket = createLeg({ ...(protocol.dial?.(plainly, this.token) ?? plainly), WebSocket }, this)
    this.#abort = null
  }

  opened(): void {
    this.#opened = true
    if (!this.#hurried) this.#late.set(this.timeLeft(1))
    this.send(this.hello())
  }

  timeLeft(times: number): number {
    return Math.max(0, times * this.connectTimeout - since(this.clock, this.#dialling))
  }

  /** If the leg is not welcomed yet, leaves it at most `patience` ms. */
  shortenDial(patience: number): void {
    const { left } = this.#late
    if (this.welcome || left === null || left <= patience) return
    this.#hurried = true
    this.#late.set(patience)
  }

  #timedOut() {
    const late = this.#opened ? NO_WELCOME : 'no connection in time'
    const announced = this.#error && isFinal(this.#error)
    this.died({
      code: 1006,
      reason: announced ? explain`the server announced that it would close, and did not; closed by the client` : late,
    })
  }

  #welcomed(frame: WelcomeFrame) {
    const { clock, protocol, heartbeat } = this.#settings
    this.welcome = { server: frame.server, maxFrame: frame.maxFrame, at: clock.present.look() }
    this.answers = frame.topics
    if (!this.#error) this.#late.clear()
    if (!protocol.pings) return
    const allowed = frame.heartbeat === undefined ? Infinity : bounded(frame.heartbeat, bounds.heartbeat)
    const interval = heartbeat ? Math.min(heartbeat.interval, allowed) : Infinity
    const timeout = heartbeat ? heartbeat.timeout : 0
    this.#heartbeat = createHeartbeat({ clock, interval, timeout, keepalive: allowed * KEEPALIVE }, this)
  }

  ping(): void {
    this.send({ type: 'ping' })
  }

  fellSilent(): void {
    this.silentSince = this.#settings.clock.present.look()
    this.silent()
  }

  // What arrives, and what is sent.

  received(data: WireData): void {
    const at = this.#settings.clock.present.look()
    // Frames that arrive at one moment, with nothing sent in between, count as one sign of life.
    if (at !== this.#heardAt) {
      this.#heardAt = at
      this.silentSince = null
      this.#heartbeat?.heard(at)
      this.arrived(at)
      if (this.#over) return
    }
    const decoded = this.#codec.decode(data)
    if (!isSeveral(decoded)) this.#take(decoded, data)
    else for (const one of decoded) this.#take(one, data)
  }

  #take(one: ServerFrame | Rejected, data: WireData) {
    if (this.#over) return
    // The application's data is delivered unchanged.
    if (!('invalid' in one) && one.type === 'message') return this.frame(one)
    const told = this.token !== undefined && typeof data === 'string' && data.includes(this.token)
    const frame = told ? plainFrame(one, (text) => this.#plain(text)) : one
    if ('invalid' in frame) this.invalid(frame)
    else this.accept(frame)
  }

  accept(frame: ServerFrame): void {
    if (this.#over) return
    if (frame.type === 'welcome') {
      if (this.welcome)
        return this.invalid({ invalid: explain`a leg is welcomed only once, and this is a second welcome` })
      this.#welcomed(frame)
    } else if (frame.type === 'error') {
      if (frame.code === 'too-large') this.#error ??= frame
      if (isAboutLeg(frame)) {
        this.#error = frame
        // The close that follows has the details; if none follows, the leg ends all the same.
        if (isFinal(frame)) this.#late.set(CLOSE_AFTER_ERROR)
      }
    } else if (frame.type === 'pong' && !this.welcome && !this.#error) {
      // The server has many clients to welcome, and this one is in the queue.
      this.#hurried = false
      this.#late.set(Math.min(this.connectTimeout, this.timeLeft(QUEUED)))
    }
    this.frame(frame)
  }

  /** False if the leg is not open or the protocol has no such frame. */
  send(frame: ClientFrame): boolean {
    if (this.#over) return false
    const data = this.#codec.encode(frame)
    if (data === null || !this.put(data)) return false
    this.#codec.written?.(frame)
    return true
  }

  put(data: WireData | readonly WireData[]): boolean {
    const socket = this.#socket
    if (!socket) return false
    // If the protocol has no equivalent, the list is empty: nothing is sent, and it does not count as a sign of life.
    if (typeof data !== 'string' && !(data instanceof ArrayBuffer)) return data.every((piece) => this.put(piece))
    const out = socket.send(data)
    if (out) this.#heartbeat?.sent(this.#settings.clock.present.look())
    this.#heardAt = null
    return out
  }

  /** Pings; without a frame in `timeout` ms the leg is silent. Does nothing if heartbeats are switched off. */
  probe(timeout: number): void {
    if (this.#settings.heartbeat) this.#heartbeat?.probe(timeout)
  }

  // To its end.

  /** Whether it still owes an answer that no other leg can give. */
  get owes(): boolean {
    return this.#codec.owes?.() ?? false
  }

  /** Closes the leg. Afterwards it calls nothing for events of its socket. */
  close(code: number, reason?: string): void {
    if (!this.#over) this.put(this.#codec.goodbye?.() ?? [])
    this.#release(code, reason)
  }

  died({ code, reason }: { readonly code: number; readonly reason: string }): void {
    if (this.#over) return
    this.#release(1000)
    const opened = this.#opened
    const error = this.#error ?? (opened ? this.#codec.closed?.(code, reason) : undefined)
    this.ended({ code, reason: this.#plain(reason), opened, error })
  }

  #release(code: number, reason?: string) {
    if (this.#over) return
    this.#over = true
    this.#abort?.abort()
    this.#late.clear()
    this.#heartbeat?.stop()
    this.#socket?.close(code, reason)
    for (const frame of this.#codec.lost?.() ?? []) this.frame(frame)
  }

  #plain(text: string): string {
    return this.token === undefined ? text : redactedText(text, [this.token])
  }
}
