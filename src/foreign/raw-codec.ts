import { explain } from '../base/explanation.js'
import type { ClientFrame, Position, Rejected, ServerFrame } from '../protocol/frames.js'
import type { Codec, WireData } from '../protocol/protocol.js'
import type {
  Outgoing,
  RawAnswer,
  RawHandover,
  RawMessage,
  RawProtocolOptions,
  RawRefusal,
  RawWelcome,
} from './raw-options.js'

/** Servers that ask for a move and name no deadline usually close half a minute later; ours and Twitch's do. */
const DEADLINE = 30_000

/**
 * How long a server lets us say nothing that does not name a time, ms: SignalR waits for 30 s and Phoenix for 60,
 * however much they have to say themselves. With what becomes of it (`KEEPALIVE`) it is what SignalR's own client does.
 */
const PATIENCE = 20_000

/**
 * One leg of a foreign server. The options are called as methods, so that a protocol may be an object with state of its
 * own. `sessions` has the last identity of each topic that a session follows.
 */
export function openCodec(raw: RawProtocolOptions, sessions: (session: string) => Map<string, string>): Codec {
  let last = new Map<string, string>()
  const followed = new Set<string>()
  let leg = 0
  let requests = 0
  const asksReady = !raw.ready && raw.ping !== undefined && raw.pong !== undefined
  let ready = false
  let replies: readonly WireData[] = NONE
  /** The server has said something. */
  let heard = false
  /** The leg has waited long enough for its topics. */
  let late = false
  /** Pongs that answer a ping of the codec's own. */
  let ownPongs = 0

  const welcome = (said: RawWelcome): ServerFrame => ({
    type: 'welcome',
    server: said.server ?? `leg ${leg}`,
    topics: new Map(),
    heartbeat: said.heartbeat ?? (raw.ping && raw.pong && PATIENCE),
    reconnectSpread: said.reconnectSpread,
  })

  function encode(frame: ClientFrame): Outgoing {
    switch (frame.type) {
      case 'hello': {
        const { token, session, topics } = frame
        leg = frame.leg
        last = sessions(session)
        for (const topic of last.keys()) if (!topics.has(topic)) last.delete(topic)
        for (const topic of topics.keys()) followed.add(topic)
        const hello = raw.hello?.({
          token,
          session,
          leg,
          topics: topics as ReadonlyMap<string, Position | null>,
          last: (topic) => last.get(topic),
        })
        return asksReady ? [...pieces(hello), ...pieces(raw.ping?.())] : (hello ?? [])
      }
      case 'subscribe':
        for (const topic of frame.topics.keys()) followed.add(topic)
        return raw.subscribe?.(frame.topics as ReadonlyMap<string, Position | null>) ?? []
      case 'unsubscribe':
        for (const topic of frame.topics) {
          followed.delete(topic)
          last.delete(topic)
        }
        return raw.unsubscribe?.(frame.topics) ?? []
      case 'publish':
        return raw.publish ? raw.publish(plain(frame)) : asIs(frame)
      case 'auth':
        return raw.auth?.(frame.token)
      case 'ping':
        return raw.ping?.()
    }
  }

  function asked(said: true | RawHandover): ServerFrame {
    const {
      id,
      reason = 'the server asked',
      url,
      spread,
      deadline = DEADLINE,
    } = said === true ? ({} as RawHandover) : said
    return { type: 'handover', id: id ?? `${leg}:${++requests}`, reason, url, spread, deadline }
  }

  function answered(said: RawAnswer): ServerFrame {
    if ('refused' in said)
      return {
        type: 'nack',
        id: said.id,
        code: said.code ?? 'refused',
        message: said.refused,
        retryAfter: said.retryAfter,
      }
    return { type: 'ack', id: said.id, offset: said.offset, data: said.data }
  }

  function messageFrame(message: RawMessage, data: WireData, opening: boolean): ServerFrame | Rejected {
    const { topic } = message
    if (typeof topic !== 'string' || topic === '')
      return { invalid: explain`message() must name a topic, a non-empty string` }
    const identity = message.alone || message.head || opening ? null : (raw.identity?.(message, data) ?? null)
    if (identity !== null && followed.has(topic)) last.set(topic, identity)
    const at = raw.position ? raw.position(message, data) : { offset: 1 }
    if (!at) return { invalid: explain`position() must number every message`, topic }
    const { offset, prev = offset - 1, epoch } = at
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(prev) || prev < 0 || offset <= prev) {
      return { invalid: explain`position() must give whole numbers, with 0 <= prev < offset`, topic }
    }
    const { stream, alone } = message
    return {
      type: 'message',
      topic,
      offset,
      prev,
      data: message.data,
      hasData: !message.head,
      identity,
      epoch,
      stream,
      alone,
      opening,
      head: message.head,
    }
  }

  function decode(data: WireData): Rejected | readonly (ServerFrame | Rejected)[] {
    if (raw.reply) say(raw.reply(data))
    const first = raw.refused || raw.begins || !ready ? begun(data) : NONE
    return first === NONE ? (word(data) ?? messages(raw.message(data), data)) : first
  }

  /** What belongs before everything else: refusals, what a leg begins with, and that it is ready. */
  function begun(data: WireData): Rejected | readonly (ServerFrame | Rejected)[] {
    // What refuses the last topic that a leg waits for may be what makes the leg ready.
    const before: readonly (ServerFrame | Rejected)[] = [
      ...many(raw.refused?.(data)).map(refusal),
      ...many(raw.begins?.(data)).map((message) => messageFrame(message, data, true)),
    ]
    const wrong = before.find((one) => 'invalid' in one)
    if (wrong) return wrong as Rejected
    const serves = ready ? null : raw.ready?.(data)
    heard = true
    if (serves) {
      ready = true
      return [...before, welcome(serves === true ? {} : serves)]
    }
    if (late && !ready) {
      if (ownPongs > 0 && raw.pong?.(data)) ownPongs--
      return [...before, ...withoutTheRest()]
    }
    return before.length > 0 ? before : NONE
  }

  /** What the server says to the client itself; null where it is none of its words. */
  function word(data: WireData): Rejected | readonly ServerFrame[] | null {
    const unauthorized = raw.unauthorized?.(data)
    if (unauthorized) {
      const message = unauthorized === true ? explain`the server refused the token` : unauthorized
      return [{ type: 'error', code: 'unauthorized', message }]
    }
    const ended = raw.ended?.(data)
    if (ended) return [{ type: 'error', code: 'forbidden', message: ended }]
    const invalid = raw.invalid?.(data)
    if (invalid) return { invalid }
    const handover = raw.handover?.(data)
    if (handover) return [asked(handover)]
    if (raw.pong?.(data)) {
      if (ownPongs > 0) return (ownPongs--, NONE)
      if (ready || !asksReady) return [{ type: 'pong' }]
      ready = true
      return [welcome({})]
    }
    if (raw.drained?.(data)) return [{ type: 'drained' }]
    const answer = raw.answer?.(data)
    return answer ? [answered(answer)] : null
  }

  /** What has not been answered by now is told, and the leg is ready without. */
  function withoutTheRest(): readonly ServerFrame[] {
    const waiting = raw.waiting?.()
    if (!waiting) return []
    ready = true
    return [
      ...waiting.map(
        (topic): ServerFrame => ({ type: 'error', code: 'timeout', topic, message: 'its answer is late' }),
      ),
      welcome({}),
    ]
  }

  function messages(
    said: RawMessage | readonly RawMessage[] | null | undefined,
    data: WireData,
  ): Rejected | readonly ServerFrame[] {
    if (!said) return NONE
    const found: ServerFrame[] = []
    for (const message of many(said)) {
      const frame = messageFrame(message, data, false)
      if ('invalid' in frame) return frame
      found.push(frame)
    }
    return found
  }

  function say(data: Outgoing) {
    const more = pieces(data)
    if (more.length > 0) replies = [...replies, ...more]
  }

  const threw = (thrown: unknown): Rejected => ({
    invalid: explain`a function of rawProtocol threw: ${thrown instanceof Error ? thrown.name : typeof thrown}`,
  })

  return {
    encode(frame) {
      try {
        return encode(frame) ?? null
      } catch (thrown) {
        return threw(thrown)
      }
    },
    decode(data) {
      try {
        if (!raw.split) return decode(data)
        // One frame that cannot be read takes nothing from the others of its piece.
        return raw.split(data).flatMap((one) => {
          try {
            return decode(one)
          } catch (thrown) {
            return threw(thrown)
          }
        })
      } catch (thrown) {
        return threw(thrown)
      }
    },
    replies() {
      const waiting = replies
      replies = NONE
      return waiting
    },
    owes: () => raw.owes?.() ?? false,
    ...(raw.unanswered && { unanswered: (frame) => attempt(() => raw.unanswered!(plain(frame))) === true }),
    overdue() {
      if (ready || !raw.waiting) return []
      late = true
      if (heard) return attempt(withoutTheRest) ?? []
      if (raw.pong) {
        say(attempt(() => raw.ping?.()))
        ownPongs++
      }
      return []
    },
    ...(raw.leave && {
      leave() {
        const data = pieces(attempt(() => raw.leave!()))
        return data.length > 0 ? data : null
      },
    }),
    ...(raw.closed && {
      closed(code: number, reason: string) {
        const meant = attempt(() => raw.closed!(code, reason))
        return meant ? { type: 'error' as const, code: CLOSED[meant], message: reason } : undefined
      },
    }),
    ...(raw.goodbye && { goodbye: () => pieces(attempt(() => raw.goodbye!())) }),
    lost() {
      const said = messages(raw.lost?.(), '')
      return 'invalid' in said ? NONE : said
    },
    opened() {
      if (ready || (raw.opened ? !raw.opened() : raw.ready || asksReady)) return []
      ready = true
      return [welcome({})]
    },
  }
}

/** The error of livesocket.v1 that means the same. */
const CLOSED = { unauthorized: 'unauthorized', ended: 'forbidden', retry: 'draining' } as const

/** Null where it throws: what is asked is then as if it were not there. */
function attempt<Answer>(ask: () => Answer): Answer | null {
  try {
    return ask()
  } catch {
    return null
  }
}

function refusal({ topic, reason, ended }: RawRefusal): ServerFrame {
  return { type: 'error', code: ended ? 'ended' : 'forbidden', topic, message: reason }
}

const NONE: readonly never[] = []

function pieces(data: Outgoing): readonly WireData[] {
  return data == null ? NONE : typeof data === 'string' || data instanceof ArrayBuffer ? [data] : data
}

function many<Thing extends object>(said: Thing | readonly Thing[] | null | undefined): readonly Thing[] {
  return said ? (isSeveral(said) ? said : [said]) : NONE
}

function isSeveral<Thing extends object>(said: Thing | readonly Thing[]): said is readonly Thing[] {
  return Array.isArray(said)
}

type Publish = ClientFrame & { readonly type: 'publish' }

/** As the options' functions are shown it: with data, wherever the frame has that. */
function plain(frame: Publish) {
  const { type, id, topic, n, data, age } = frame
  return { type, id, topic, n, data, age }
}

function asIs(frame: Publish): WireData {
  // JSON text of anything but a text goes as it is.
  if (frame.json !== undefined && !frame.json.startsWith('"')) return frame.json
  const { data } = frame
  return typeof data === 'string' || data instanceof ArrayBuffer ? data : JSON.stringify(data)
}
