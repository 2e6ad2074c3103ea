import { NO_WELCOME } from '../policy/leg-failure.js'
import { explain } from '../base/explanation.js'
import { createAlarm, type Alarm } from '../base/alarm.js'
import { since, type Clock, type Instant } from '../base/clock.js'
import { redactedText } from '../base/token-redaction.js'
import { createHeartbeat, type Heartbeat, type HeartbeatHandlers } from './heartbeat.js'
import { createLeg, type Leg, type LegHandlers } from './leg.js'
import type { ProtocolLeg, ProtocolLegDeps, ProtocolLegHandlers } from './leg-contract.js'
import { bounded, bounds } from '../policy/bounds.js'
import { isAboutLeg } from '../policy/close-verdict.js'
import type { ClientFrame, ErrorFrame, Rejected, ServerFrame, TopicAnswers, WelcomeFrame } from '../protocol/frames.js'
import { plainFrame } from '../protocol/plain-frame.js'
import type { Codec, Line, WireData } from '../protocol/protocol.js'

export type { LegEnd, ProtocolLeg, ProtocolLegDeps, ProtocolLegHandlers } from './leg-contract.js'

/** How long a server may take to close a leg after it said that it will. */
const CLOSE_AFTER_ERROR = 1_000

/**
 * A frame must have arrived within the silence that a server allows: this part of it is ours, the rest is the timer's
 * (late by a second in a hidden page) and the way's. Our server speaks unasked only after 0.9 of it, and so hardly
 * ever.
 */
const KEEPALIVE = 0.8

/** A server that says that the welcome is to come is waited for so many times longer in all. */
const QUEUED = 12

/** The errors that the protocol follows with a close. */
const FINAL = new Set([
  'unauthorized',
  'session-ended',
  'forbidden',
  'timeout',
  'draining',
  'busy',
  'superseded',
  'too-slow',
  'protocol',
])

function isSeveral(decoded: object): decoded is readonly (ServerFrame | Rejected)[] {
  return Array.isArray(decoded)
}

export function createProtocolLeg(deps: ProtocolLegDeps, handlers: ProtocolLegHandlers): ProtocolLeg {
  return new DialledLeg(deps, handlers)
}

class DialledLeg implements ProtocolLeg, LegHandlers, HeartbeatHandlers, Line {
  readonly number: number
  readonly handover: string | undefined
  readonly clock: Clock
  readonly dialledAt: Instant
  url = ''
  token: string | undefined
  welcome: ProtocolLeg['welcome'] = null
  welcomedAt: Instant | null = null
  silentSince: Instant | null = null
  readonly #deps: ProtocolLegDeps
  readonly #handlers: ProtocolLegHandlers
  readonly #codec: Codec
  /** Of what the dial needs; null once there is a socket: what it took has been answered then. */
  #abort: AbortController | null = new AbortController()
  #socket: Leg | null = null
  #heartbeat: Heartbeat | null = null
  #opened = false
  #over = false
  /** When its time began to run, with the token in hand. */
  #dialling: Instant
  readonly #late: Alarm
  /** Its time was cut short. */
  #hurried = false
  #error: ErrorFrame | undefined
  #answers: TopicAnswers | null = null

  constructor(deps: ProtocolLegDeps, handlers: ProtocolLegHandlers) {
    const { clock, number, handover, protocol, present } = deps
    this.#deps = deps
    this.#handlers = handlers
    this.number = number
    this.clock = clock
    this.handover = handover
    this.dialledAt = this.#dialling = present.look()
    this.#late = createAlarm(clock, this.#timedOut, this)
    this.#codec = protocol.open(this)
    this.#dial(this.#abort!.signal).catch((thrown: unknown) => {
      // An aborted fetch is our own doing; anything else is a dial that failed before there was a socket.
      this.died({ code: 1006, reason: thrown instanceof Error ? thrown.message : 'the dial failed' })
    })
  }

  // From its dial to its welcome.

  async #dial(signal: AbortSignal) {
    const { token, url, present, openTimeout, protocol, WebSocket } = this.#deps
    this.token = await token.call(this.#deps, signal)
    if (this.#over) return
    this.#late.set(openTimeout)
    this.#dialling = present.look()
    const { href } = await url.call(this.#deps, signal)
    if (this.#over) return
    this.url = this.#plain(href.split('?')[0]!)
    const plainly = { url: href, subprotocols: protocol.subprotocols }
    this.#socket = createLeg({ ...(protocol.dial?.(plainly, this.token) ?? plainly), WebSocket }, this)
    this.#abort = null
  }

  opened(): void {
    if (this.#over) return
    this.#opened = true
    if (!this.#hurried) this.#late.set(this.timeLeft(1))
    this.#handlers.opened()
    this.send(this.#deps.hello(this.token))
  }

  timeLeft(times: number): number {
    return Math.max(0, times * this.#deps.connectTimeout - since(this.clock, this.#dialling))
  }

  shortenDial(patience: number): void {
    const { left } = this.#late
    if (this.welcome || left === null || left <= patience) return
    this.#hurried = true
    this.#late.set(patience)
  }

  #timedOut() {
    const announced = this.#error && FINAL.has(this.#error.code)
    const late = this.#opened ? NO_WELCOME : 'no connection in time'
    this.died({ code: 1006, reason: announced ? explain`closed by the client after the server announced it` : late })
  }

  /** Its server has many to welcome, and this one has its place among them. */
  #queued() {
    this.#hurried = false
    this.#late.set(Math.min(this.#deps.connectTimeout, this.timeLeft(QUEUED)))
  }

  #welcomed(frame: WelcomeFrame) {
    const { clock, protocol, heartbeat } = this.#deps
    this.welcome = { server: frame.server, maxFrame: frame.maxFrame }
    this.#answers = frame.topics
    this.welcomedAt = this.#deps.present.look()
    if (!this.#error) this.#late.clear()
    const allowed = frame.heartbeat === undefined ? undefined : bounded(frame.heartbeat, bounds.heartbeat)
    const keepalive = allowed && allowed * KEEPALIVE
    if (!protocol.pings || (!heartbeat && keepalive === undefined)) return
    const interval = heartbeat ? Math.min(heartbeat.interval, allowed ?? Infinity) : null
    const timeout = heartbeat ? heartbeat.timeout : 0
    this.#heartbeat = createHeartbeat({ clock, interval, timeout, keepalive }, this)
  }

  takeAnswers(): TopicAnswers {
    const answers = this.#answers
    this.#answers = null
    return answers ?? new Map()
  }

  ping(): void {
    this.send({ type: 'ping' })
  }

  fellSilent(): void {
    this.silentSince = this.#deps.present.look()
    this.#handlers.silent()
  }

  // What comes, and what is sent.

  received(data: WireData): void {
    if (this.#over) return
    const at = this.#deps.present.look()
    this.silentSince = null
    this.#heartbeat?.heard(at)
    this.#handlers.arrived(at)
    if (this.#over) return
    const decoded = this.#codec.decode(data)
    if (!isSeveral(decoded)) this.#take(decoded, data)
    else for (const one of decoded) this.#take(one, data)
  }

  #take(one: ServerFrame | Rejected, data: WireData) {
    if (this.#over) return
    // What is the application's is told as it is.
    if (!('invalid' in one) && one.type === 'message') return this.#handlers.frame(one)
    const told = this.token !== undefined && typeof data === 'string' && data.includes(this.token)
    const frame = told ? plainFrame(one, (text) => this.#plain(text)) : one
    if ('invalid' in frame) this.#handlers.invalid(frame)
    else this.accept(frame)
  }

  accept(frame: ServerFrame): void {
    if (this.#over) return
    if (frame.type === 'welcome') {
      if (this.welcome)
        return this.#handlers.invalid({ invalid: explain`a leg is welcomed once, this is a second welcome` })
      this.#welcomed(frame)
    }
    if (frame.type === 'error' && frame.code === 'too-large') this.#error ??= frame
    if (frame.type === 'error' && isAboutLeg(frame)) {
      this.#error = frame
      // The close that follows tells the rest; should it not follow, the leg is over all the same.
      if (FINAL.has(frame.code)) this.#late.set(CLOSE_AFTER_ERROR)
    }
    if (frame.type === 'pong' && !this.welcome && !this.#error) this.#queued()
    this.#handlers.frame(frame)
  }

  send(frame: ClientFrame): boolean {
    if (this.#over || !this.#socket) return false
    const data = this.#codec.encode(frame)
    if (data === null || (typeof data === 'object' && 'invalid' in data)) {
      if (data) this.#handlers.invalid(data)
      if (frame.type !== 'publish') return false
      // It would wait for ever, and everything after it: the protocol has no words for it on any leg.
      const message = data?.invalid ?? explain`the protocol has no words for it`
      this.#handlers.frame({ type: 'nack', id: frame.id, code: 'invalid', message })
      return true
    }
    if (!this.put(data)) return false
    this.#codec.written?.(frame)
    return true
  }

  put(data: WireData | readonly WireData[]): boolean {
    const socket = this.#socket
    if (!socket) return false
    const whole = typeof data === 'string' || data instanceof ArrayBuffer
    const out = whole ? socket.send(data) : data.every((piece) => socket.send(piece))
    if (out) this.#heartbeat?.sent(this.#deps.present.look())
    return out
  }

  probe(timeout: number): void {
    if (this.#deps.heartbeat) this.#heartbeat?.probe(timeout)
  }

  renewed(token: string): void {
    this.token = token
  }

  // To its end.

  get owes(): boolean {
    return this.#codec.owes?.() ?? false
  }

  close(code: number, reason?: string): void {
    if (!this.#over) this.put(this.#codec.goodbye?.() ?? [])
    this.#release(code, reason)
  }

  died(end: { readonly code: number; readonly reason: string }): void {
    if (this.#over) return
    this.#release(1000)
    const { code, reason } = end
    const opened = this.#opened
    const error = this.#error ?? (opened ? this.#codec.closed?.(code, reason) : undefined)
    this.#handlers.died({ code, reason: this.#plain(reason), opened, error })
  }

  #release(code: number, reason?: string) {
    if (this.#over) return
    this.#over = true
    this.#abort?.abort()
    this.#late.clear()
    this.#heartbeat?.stop()
    this.#socket?.close(code, reason)
    for (const frame of this.#codec.lost?.() ?? []) this.#handlers.frame(frame)
  }

  #plain(text: string): string {
    return this.token === undefined ? text : redactedText(text, [this.token])
  }
}
