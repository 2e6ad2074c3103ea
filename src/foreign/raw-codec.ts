import { explain } from '../base/explanation.js'
import type { ClientFrame, Position, Rejected, ServerFrame } from '../protocol/frames.js'
import type { Codec, Line, WireData } from '../protocol/protocol.js'
import {
  answerFrame,
  asIs,
  attempt,
  CLOSED,
  handoverFrame,
  many,
  NONE,
  pieces,
  plain,
  refusal,
  threw,
} from './raw-frames.js'
import type { Outgoing, RawMessage, RawProtocolOptions, RawWelcome } from './raw-options.js'
import { RawParting } from './raw-parting.js'

/**
 * Milliseconds that we may send nothing to a server that names no time: SignalR closes after 30 s and Phoenix after 60,
 * however much they send themselves. A ping goes out after 0.8 of it (`KEEPALIVE`), 16 s, much as SignalR's own client
 * does.
 */
const PATIENCE = 20_000

/** The part of `connectTimeout` after which a leg becomes ready without the topics that have not been answered. */
const LATE = 0.5

/**
 * One leg of a foreign server. The options are called as methods, so a protocol may be an object with its own state.
 */
export class RawCodec implements Codec {
  readonly #raw: RawProtocolOptions
  readonly #sessions: (session: string) => Map<string, string>
  readonly #line: Line
  readonly #parting: RawParting
  readonly #asksReady: boolean
  /** The last identity of each topic that the session follows. */
  #last = new Map<string, string>()
  readonly #followed = new Set<string>()
  #leg = 0
  #requests = 0
  #ready = false
  /** The server has refused this client, and closes the leg. */
  #refused = false
  /** The server has sent something. */
  #heard = false
  /** The leg has waited long enough for the answers of its topics. */
  #late = false
  /** How many pongs will answer pings of the codec's own. */
  #ownPongs = 0
  /** The publish that the protocol cannot express. */
  #unsaid: ClientFrame | null = null
  #stopWaiting: (() => void) | null = null

  constructor(raw: RawProtocolOptions, sessions: (session: string) => Map<string, string>, line: Line) {
    this.#raw = raw
    this.#sessions = sessions
    this.#line = line
    this.#parting = new RawParting(raw, line)
    this.#asksReady = !raw.ready && raw.ping !== undefined && raw.pong !== undefined
  }

  encode(frame: ClientFrame): WireData | readonly WireData[] | null {
    let wrong: Rejected | undefined
    try {
      const said = this.#encode(frame)
      if (said != null) return said
    } catch (thrown) {
      wrong = threw(thrown)
      this.#line.invalid(wrong)
    }
    if (frame.type !== 'publish') return null
    // The protocol cannot express it on any leg. Without an answer it would wait for ever, and everything after it too.
    this.#unsaid = frame
    const message = wrong?.invalid ?? explain`the protocol cannot express it`
    this.#line.accept({ type: 'nack', id: frame.id, code: 'invalid', message })
    return NONE
  }

  decode(data: WireData): ReturnType<Codec['decode']> {
    try {
      if (!this.#raw.split) return this.#decode(data)
      // A frame that cannot be read does not affect the other frames of its piece.
      return this.#raw.split(data).flatMap((one) => {
        try {
          return this.#decode(one)
        } catch (thrown) {
          return threw(thrown)
        }
      })
    } catch (thrown) {
      return threw(thrown)
    }
  }

  written(frame: ClientFrame) {
    if (frame.type === 'hello') return this.#greeted()
    if (frame === this.#unsaid) return
    const done = frame.type === 'publish' && attempt(() => this.#raw.unanswered?.(plain(frame))) === true
    if (done) this.#line.accept({ type: 'ack', id: frame.id })
    else this.#parting.written(frame)
  }

  owes() {
    return attempt(() => this.#raw.owes?.()) === true
  }

  closed(code: number, reason: string) {
    const meant = attempt(() => this.#raw.closed?.(code, reason))
    return meant ? { type: 'error' as const, code: CLOSED[meant], message: reason } : undefined
  }

  goodbye() {
    return pieces(attempt(() => this.#raw.goodbye?.()))
  }

  lost() {
    this.#stopWaiting?.()
    this.#parting.stop()
    const said = attempt(() => this.#messages(this.#raw.lost?.(), '')) ?? NONE
    return 'invalid' in said ? NONE : 'type' in said ? [said] : said
  }

  /** Runs when the hello has been written. For a server without a welcome, the opening of the socket is the welcome. */
  #greeted() {
    const raw = this.#raw
    const line = this.#line
    if (this.#ready) return
    if (raw.opened ? attempt(() => raw.opened!()) : !raw.ready && !this.#asksReady) {
      this.#ready = true
      // The ping behind the hello proves nothing about what is sent later, so its pong is not passed on.
      if (this.#asksReady) this.#ownPongs++
      line.accept(this.#welcome({}))
    } else if (raw.waiting) this.#stopWaiting = line.clock.setTimeout(() => this.#overdue(), line.timeLeft(LATE))
  }

  /** The leg has waited long for its welcome: it serves without the topics that have not been answered. */
  #overdue() {
    const raw = this.#raw
    if (this.#ready || this.#refused) return
    this.#late = true
    if (this.#heard) for (const frame of attempt(() => this.#withoutTheRest()) ?? NONE) this.#line.accept(frame)
    else if (raw.pong) {
      this.#say(attempt(() => raw.ping?.()))
      this.#ownPongs++
    }
  }

  #welcome(said: RawWelcome): ServerFrame {
    const raw = this.#raw
    return {
      type: 'welcome',
      server: said.server ?? `leg ${this.#leg}`,
      topics: new Map(),
      heartbeat: said.heartbeat ?? (raw.ping && raw.pong && PATIENCE),
      reconnectSpread: said.reconnectSpread,
    }
  }

  #encode(frame: ClientFrame): Outgoing {
    switch (frame.type) {
      case 'hello': {
        const { token, session, topics } = frame
        this.#leg = frame.leg
        this.#last = this.#sessions(session)
        for (const topic of this.#last.keys()) if (!topics.has(topic)) this.#last.delete(topic)
        for (const topic of topics.keys()) this.#followed.add(topic)
        const hello = this.#raw.hello?.({
          token,
          session,
          leg: frame.leg,
          topics: topics as ReadonlyMap<string, Position | null>,
          last: (topic) => this.#last.get(topic),
        })
        return this.#asksReady ? [...pieces(hello), ...pieces(this.#raw.ping?.())] : (hello ?? [])
      }
      case 'subscribe': {
        // Only a serving leg is asked. If it was about to be left it goes on serving, with the topics that it still
        // has.
        const topics = new Map(frame.topics as ReadonlyMap<string, Position | null>)
        if (this.#parting.stop()) for (const topic of this.#followed) topics.delete(topic)
        for (const topic of topics.keys()) this.#followed.add(topic)
        return (topics.size > 0 && this.#raw.subscribe?.(topics)) || []
      }
      case 'unsubscribe':
        for (const topic of frame.topics) {
          this.#followed.delete(topic)
          this.#last.delete(topic)
        }
        return this.#raw.unsubscribe?.(frame.topics) ?? []
      case 'publish':
        return this.#raw.publish ? this.#raw.publish(plain(frame)) : asIs(frame)
      case 'auth':
        return this.#raw.auth?.(frame.token)
      case 'ping':
        return this.#raw.ping?.()
      case 'leave':
        this.#parting.leave()
        return NONE
    }
  }

  #messageFrame(message: RawMessage, data: WireData, opening: boolean): ServerFrame | Rejected {
    const { topic } = message
    if (typeof topic !== 'string' || topic === '')
      return { invalid: explain`message() must name a topic, a non-empty string` }
    const identity = message.alone || message.head || opening ? null : (this.#raw.identity?.(message, data) ?? null)
    if (identity !== null && this.#followed.has(topic)) this.#last.set(topic, identity)
    const at = this.#raw.position ? this.#raw.position(message, data) : { offset: 1 }
    if (!at) return { invalid: explain`position() must number every message`, topic }
    const { offset, prev = offset - 1, epoch } = at
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(prev) || prev < 0 || offset <= prev) {
      return { invalid: explain`position() must give whole numbers, with 0 <= prev < offset`, topic }
    }
    const { stream, alone, head } = message
    const frame = { type: 'message' as const, topic, offset, prev, data: message.data, hasData: !head }
    // Most messages of a flood have none of these fields.
    const more = identity !== null || epoch !== undefined || stream !== undefined || alone || opening || head
    return more ? { ...frame, identity, epoch, stream, alone, opening, head } : frame
  }

  #decode(data: WireData): ServerFrame | Rejected | readonly (ServerFrame | Rejected)[] {
    if (this.#raw.reply) this.#say(this.#raw.reply(data))
    const first = this.#raw.refused || this.#raw.begins || !this.#ready ? this.#begun(data) : NONE
    return first === NONE ? (this.#word(data) ?? this.#messages(this.#raw.message(data), data)) : first
  }

  /** What is read before everything else: refusals, opening messages, and whether the leg is ready. */
  #begun(data: WireData): Rejected | readonly (ServerFrame | Rejected)[] {
    const raw = this.#raw
    // The refusal of the last topic that a leg waits for may be what makes the leg ready, so refusals are read first.
    const before: readonly (ServerFrame | Rejected)[] = [
      ...many(raw.refused?.(data)).map(refusal),
      ...many(raw.begins?.(data)).map((message) => this.#messageFrame(message, data, true)),
    ]
    const wrong = before.find((one) => 'invalid' in one)
    if (wrong) return wrong as Rejected
    const serves = this.#ready ? null : raw.ready?.(data)
    this.#heard = true
    if (serves) {
      this.#ready = true
      return [...before, this.#welcome(serves === true ? {} : serves)]
    }
    if (this.#late && !this.#ready) {
      if (this.#ownPongs > 0 && raw.pong?.(data)) this.#ownPongs--
      return [...before, ...this.#withoutTheRest()]
    }
    return before.length > 0 ? before : NONE
  }

  /** What the server says to the client itself; null if this data says no such thing. */
  #word(data: WireData): Rejected | readonly ServerFrame[] | null {
    const raw = this.#raw
    const unauthorized = raw.unauthorized?.(data)
    if (unauthorized) {
      this.#refused = true
      const message = unauthorized === true ? explain`the server refused the token` : unauthorized
      return [{ type: 'error', code: 'unauthorized', message }]
    }
    const ended = raw.ended?.(data)
    if (ended) {
      this.#refused = true
      return [{ type: 'error', code: 'forbidden', message: ended }]
    }
    const invalid = raw.invalid?.(data)
    if (invalid) return { invalid }
    const handover = raw.handover?.(data)
    if (handover) return [handoverFrame(handover, () => `${this.#leg}:${++this.#requests}`)]
    if (raw.pong?.(data)) {
      if (this.#ownPongs > 0) return (this.#ownPongs--, NONE)
      if (this.#ready || !this.#asksReady)
        return this.#parting.ponged() ? [{ type: 'pong' }, { type: 'drained' }] : [{ type: 'pong' }]
      this.#ready = true
      return [this.#welcome({})]
    }
    if (raw.drained?.(data)) return [{ type: 'drained' }]
    const answer = raw.answer?.(data)
    if (!answer) return null
    this.#parting.answered(answer.id)
    return [answerFrame(answer)]
  }

  /** Reports the topics that have not been answered by now, and makes the leg ready without them. */
  #withoutTheRest(): readonly ServerFrame[] {
    const waiting = this.#raw.waiting?.()
    if (!waiting) return []
    this.#ready = true
    return [
      ...waiting.map(
        (topic): ServerFrame => ({ type: 'error', code: 'timeout', topic, message: 'its answer is late' }),
      ),
      this.#welcome({}),
    ]
  }

  #messages(
    said: RawMessage | readonly RawMessage[] | null | undefined,
    data: WireData,
  ): ServerFrame | Rejected | readonly ServerFrame[] {
    if (!said) return NONE
    // Most data has one message: nothing but its frame is allocated.
    if (!Array.isArray(said)) return this.#messageFrame(said as RawMessage, data, false)
    const found: ServerFrame[] = []
    for (const message of said as readonly RawMessage[]) {
      const frame = this.#messageFrame(message, data, false)
      if ('invalid' in frame) return frame
      found.push(frame)
    }
    return found
  }

  #say(data: Outgoing) {
    const more = pieces(data)
    if (more.length > 0) this.#line.put(more)
  }
}
