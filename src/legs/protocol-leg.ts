import { explain } from '../base/explanation.js'
import { createAlarm } from '../base/alarm.js'
import { type Clock, instant, since, type Instant, type Present } from '../base/clock.js'
import { redactedText } from '../base/token-redaction.js'
import { createHeartbeat, type Heartbeat } from './heartbeat.js'
import { createLeg, type Leg } from './leg.js'
import { bounded, bounds } from '../policy/bounds.js'
import { isAboutLeg } from '../policy/close-verdict.js'
import type { ClientFrame, ErrorFrame, Rejected, ServerFrame, WelcomeFrame } from '../protocol/frames.js'
import { plainFrame } from '../protocol/plain-frame.js'
import type { Protocol, WireData } from '../protocol/protocol.js'

/** One leg from its dial to its end: fetches what the dial needs, says hello, is welcomed, keeps its heartbeat. */
export interface ProtocolLeg {
  readonly number: number
  /** The id of the request that caused this leg. */
  readonly handover: string | undefined
  /** Where it was dialled, without the query; empty before that is known. */
  readonly url: string
  readonly token: string | undefined
  /** Set by its welcome. */
  readonly welcome: WelcomeFrame | null
  readonly welcomedAt: Instant | null
  readonly dialledAt: Instant
  /** Nothing was heard for too long, and it did not answer when it was asked. */
  readonly silent: boolean
  /** False where it is not open, or the protocol has no such frame. */
  send(frame: ClientFrame): boolean
  /** The token that it bears now, after an in-band renewal. */
  renewed(token: string): void
  /**
   * Calls `reached` once everything that the server had sent before it heard of this has arrived: an answered ping
   * comes in order.
   */
  barrier(reached: () => void): void
  /** It still owes an answer that no other leg can give. */
  readonly owes: boolean
  /**
   * Asks for a sign of life; without one in `timeout` ms the leg is silent. Nothing where legs are never to be
   * suspected.
   */
  probe(timeout: number): void
  /** Not welcomed yet, it has to be within so many ms. */
  hasten(patience: number): void
  /** From here on nothing of this leg is ever heard of again. */
  close(code: number, reason?: string): void
}

export interface LegEnd {
  readonly code: number
  readonly reason: string
  readonly opened: boolean
  /** What the server said of the leg before it closed it. */
  readonly error: ErrorFrame | undefined
}

export interface ProtocolLegHandlers {
  opened(): void
  /** Something has come, whatever it says. */
  arrived(at: Instant): void
  frame(frame: ServerFrame): void
  invalid(rejected: Rejected): void
  silent(): void
  died(end: LegEnd): void
}

export interface ProtocolLegDeps {
  readonly number: number
  readonly handover: string | undefined
  readonly clock: Clock
  readonly present: Present
  readonly protocol: Protocol
  readonly WebSocket: unknown
  readonly connectTimeout: number
  /** The part of `connectTimeout` by which the socket has to be open, ms. */
  readonly openTimeout: number
  readonly heartbeat: { readonly interval: number; readonly timeout: number } | false
  /** Whether a publish is unanswered on it. Default: never. */
  unanswered?(): boolean
  /** A token to say hello with. */
  token(signal: AbortSignal): Promise<string | undefined>
  url(signal: AbortSignal): Promise<URL>
  hello(token: string | undefined): ClientFrame
}

/** How long a server may take to close a leg after it said that it will. */
const CLOSE_AFTER_ERROR = 1_000

/**
 * A frame must have arrived within the silence that a server allows: this part of it is ours, the rest is the timer's
 * (late by a second in a hidden page) and the way's. Our server speaks unasked only after 0.9 of it, and so hardly
 * ever.
 */
const KEEPALIVE = 0.8

/** The part of `connectTimeout` after which a leg goes without the answers for topics that have not come. */
const PATIENCE = 0.5

/** How long a leg that is left may go on answering publishes before its topics are taken from it: a slow round trip. */
const ANSWER_TIME = 1_000

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
  const { clock, protocol } = deps
  const codec = protocol.open()
  const abort = new AbortController()
  let socket: Leg | null = null
  let heartbeat: Heartbeat | null = null
  let url = ''
  let token: string | undefined
  let opened = false
  let over = false
  let silent = false
  let welcome: WelcomeFrame | null = null
  let welcomedAt: Instant | null = null
  const dialledAt = instant(clock)
  /** When its time began to run, with the token in hand. */
  let dialling = dialledAt
  /** Its time was cut short. */
  let hurried = false
  let error: ErrorFrame | undefined
  let pings = 0
  let pongs = 0
  let fence: { pongs: number; reached: () => void } | null = null
  /** A welcome that is late by now may yet come. */
  let patient = codec.overdue !== undefined
  /** The leg is left, once its publishes are answered. */
  let leaving: { readonly reached: () => void } | null = null

  const plain = (text: string) => (token === undefined ? text : redactedText(text, [token]))

  const late = createAlarm(clock, () => {
    if (patient && opened && !error && !hurried) {
      patient = false
      late.set(Math.max(0, deps.connectTimeout - since(clock, dialling)))
      for (const frame of codec.overdue!()) if (!over) accept(frame)
      if (!over) put(codec.replies?.() ?? [])
      return
    }
    if (error && FINAL.has(error.code))
      die({ code: 1006, reason: explain`closed by the client after the server announced it` })
    else die({ code: 1006, reason: opened ? 'no welcome in time' : 'no connection in time' })
  })

  const release = (code: number, reason?: string) => {
    if (over) return
    over = true
    // Once there is a socket, what it took has been answered, and nobody looks at the signal.
    if (!socket) abort.abort()
    late.clear()
    unanswered.clear()
    heartbeat?.stop()
    socket?.close(code, reason)
    for (const frame of codec.lost?.() ?? []) handlers.frame(frame)
  }

  const die = (end: { code: number; reason: string }) => {
    if (over) return
    release(1000)
    const said = error ?? (opened ? codec.closed?.(end.code, end.reason) : undefined)
    handlers.died({ ...end, reason: plain(end.reason), opened, error: said })
  }

  /**
   * Takes the topics from the leg, or asks it for a pong, if its publishes are answered by now or have had their time.
   */
  const leave = (whatever: boolean) => {
    if (!leaving || over || (!whatever && deps.unanswered?.())) return
    const { reached } = leaving
    unanswered.clear()
    const goodbye = codec.leave?.()
    leaving = null
    // Its answer is the server's own word, a `drained` frame.
    if (goodbye) put(goodbye)
    else if (send({ type: 'ping' })) fence = { pongs: pings, reached }
  }
  const unanswered = createAlarm(clock, () => leave(true))

  const put = (data: WireData | readonly WireData[]): boolean => {
    const pieces = typeof data === 'string' || data instanceof ArrayBuffer ? [data] : data
    return pieces.every((piece) => socket!.send(piece))
  }

  const send = (frame: ClientFrame): boolean => {
    if (over || !socket) return false
    const data = codec.encode(frame)
    if (data === null || (typeof data === 'object' && 'invalid' in data)) {
      if (data) handlers.invalid(data)
      if (frame.type !== 'publish') return false
      // It would wait for ever, and everything after it: the protocol has no words for it on any leg.
      handlers.frame({
        type: 'nack',
        id: frame.id,
        code: 'invalid',
        message: data?.invalid ?? explain`the protocol has no words for it`,
      })
      return true
    }
    if (!put(data)) return false
    if (frame.type === 'ping') pings++
    heartbeat?.sent()
    if (frame.type === 'publish' && codec.unanswered?.(frame)) handlers.frame({ type: 'ack', id: frame.id })
    return true
  }

  const begin = async () => {
    token = await deps.token(abort.signal)
    if (over) return
    late.set(deps.openTimeout)
    dialling = instant(clock)
    const target = await deps.url(abort.signal)
    if (over) return
    url = plain(target.href.split('?')[0]!)
    const plainly = { url: target.href, subprotocols: protocol.subprotocols }
    socket = createLeg(
      { ...(protocol.dial?.(plainly, token) ?? plainly), WebSocket: deps.WebSocket },
      { opened: open, received, died: die },
    )
  }

  const open = () => {
    if (over) return
    opened = true
    if (!hurried) late.set(Math.max(0, deps.connectTimeout * (patient ? PATIENCE : 1) - since(clock, dialling)))
    handlers.opened()
    send(deps.hello(token))
    for (const frame of codec.opened?.() ?? []) if (!over) accept(frame)
  }

  const received = (data: string | ArrayBuffer) => {
    if (over) return
    const at = deps.present.look()
    silent = false
    heartbeat?.heard(at)
    handlers.arrived(at)
    if (over) return
    const decoded = codec.decode(data)
    const replies = codec.replies?.()
    if (replies && replies.length > 0 && put(replies)) heartbeat?.sent(at)
    if (!isSeveral(decoded)) take(decoded, data)
    else for (const one of decoded) take(one, data)
    if (leaving) leave(false)
  }

  const take = (one: ServerFrame | Rejected, data: WireData) => {
    if (over) return
    // What is the application's is told as it is.
    if (!('invalid' in one) && one.type === 'message') return handlers.frame(one)
    const told = token !== undefined && typeof data === 'string' && data.includes(token)
    const frame = told ? plainFrame(one, plain) : one
    if ('invalid' in frame) handlers.invalid(frame)
    else accept(frame)
  }

  const accept = (frame: ServerFrame) => {
    if (frame.type === 'welcome') {
      if (welcome) return handlers.invalid({ invalid: explain`a leg is welcomed once, this is a second welcome` })
      welcomed(frame)
    }
    if (frame.type === 'error' && frame.code === 'too-large') error ??= frame
    if (frame.type === 'error' && isAboutLeg(frame)) {
      error = frame
      // The close that follows tells the rest; should it not follow, the leg is over all the same.
      if (FINAL.has(frame.code)) late.set(CLOSE_AFTER_ERROR)
    }
    // Pings are answered in the order in which they went out: an earlier one's answer proves nothing about later
    // frames.
    if (frame.type === 'pong' && ++pongs >= (fence?.pongs ?? Infinity)) {
      const { reached } = fence!
      fence = null
      reached()
    }
    if (!over) handlers.frame(frame)
  }

  const welcomed = (frame: WelcomeFrame) => {
    welcome = frame
    welcomedAt = instant(clock)
    if (!error) late.clear()
    const allowed = frame.heartbeat === undefined ? undefined : bounded(frame.heartbeat, bounds.heartbeat)
    const keepalive = allowed && allowed * KEEPALIVE
    if (!protocol.pings || (!deps.heartbeat && keepalive === undefined)) return
    const interval = deps.heartbeat ? Math.min(deps.heartbeat.interval, allowed ?? Infinity) : null
    heartbeat = createHeartbeat(
      { clock, interval, timeout: deps.heartbeat ? deps.heartbeat.timeout : 0, keepalive },
      {
        ping: () => void send({ type: 'ping' }),
        silent() {
          silent = true
          handlers.silent()
        },
      },
    )
  }

  begin().catch((thrown: unknown) => {
    // An aborted fetch is our own doing; anything else is a dial that failed before there was a socket.
    die({ code: 1006, reason: thrown instanceof Error ? thrown.message : 'the dial failed' })
  })

  return {
    number: deps.number,
    handover: deps.handover,
    get url() {
      return url
    },
    get token() {
      return token
    },
    get welcome() {
      return welcome
    },
    get welcomedAt() {
      return welcomedAt
    },
    dialledAt,
    get silent() {
      return silent
    },
    send,
    renewed(fresh) {
      token = fresh
    },
    barrier(reached) {
      if (!codec.leave) return void (send({ type: 'ping' }) && (fence = { pongs: pings, reached }))
      leaving = { reached }
      unanswered.set(ANSWER_TIME)
      leave(false)
    },
    get owes() {
      return codec.owes?.() ?? false
    },
    probe(timeout) {
      if (deps.heartbeat) heartbeat?.probe(timeout)
    },
    hasten(patience) {
      if (welcome || late.left === null || late.left <= patience) return
      hurried = true
      late.set(patience)
    },
    close(code, reason) {
      if (opened && !over) put(codec.goodbye?.() ?? [])
      release(code, reason)
    },
  }
}
