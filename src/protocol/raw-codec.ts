import type { ClientFrame, Rejected, ServerFrame } from './frames.js'
import type { Codec, WireData } from './protocol.js'
import type { Outgoing, RawAnswer, RawHandover, RawMessage, RawProtocolOptions, RawWelcome } from './raw.js'

/** Servers that ask for a move and name no deadline usually close half a minute later; ours and Twitch's do. */
const DEADLINE = 30_000

/**
 * One leg of a foreign server. The options are called as methods, so that a protocol may be an object with state of its own. `sessions` has the
 * last identity of each topic that a session follows.
 */
export function openCodec(raw: RawProtocolOptions, sessions: (session: string) => Map<string, string>): Codec {
  let last = new Map<string, string>()
  const followed = new Set<string>()
  let leg = 0
  let requests = 0
  const asksReady = !raw.ready && raw.ping !== undefined && raw.pong !== undefined
  let ready = false
  let replies: WireData[] = []

  const welcome = (said: RawWelcome): ServerFrame => ({ type: 'welcome', server: said.server ?? `leg ${leg}`, topics: new Map(), heartbeat: said.heartbeat, reconnectSpread: said.reconnectSpread })

  function encode(frame: ClientFrame): Outgoing {
    switch (frame.type) {
      case 'hello': {
        const { token, session, topics } = frame
        leg = frame.leg
        last = sessions(session)
        for (const topic of last.keys()) if (!topics.has(topic)) last.delete(topic)
        for (const topic of topics.keys()) followed.add(topic)
        const hello = raw.hello?.({ token, session, leg, topics, last: (topic) => last.get(topic) })
        return asksReady ? [...pieces(hello), ...pieces(raw.ping?.())] : (hello ?? [])
      }
      case 'subscribe':
        for (const topic of frame.topics.keys()) followed.add(topic)
        return raw.subscribe?.(frame.topics) ?? []
      case 'unsubscribe':
        for (const topic of frame.topics) {
          followed.delete(topic)
          last.delete(topic)
        }
        return raw.unsubscribe?.(frame.topics) ?? []
      case 'publish':
        return raw.publish ? raw.publish(frame) : asIs(frame.data)
      case 'auth':
        return raw.auth?.(frame.token)
      case 'ping':
        return raw.ping?.()
    }
  }

  function asked(said: true | RawHandover): ServerFrame {
    const { id, reason = 'the server asked', url, spread, deadline = DEADLINE } = said === true ? ({} as RawHandover) : said
    return { type: 'handover', id: id ?? `${leg}:${++requests}`, reason, url, spread, deadline }
  }

  function answered(said: RawAnswer): ServerFrame {
    if ('refused' in said) return { type: 'nack', id: said.id, code: said.code ?? 'refused', message: said.refused, retryAfter: said.retryAfter }
    return { type: 'ack', id: said.id, offset: said.offset, data: said.data }
  }

  function messageFrame(message: RawMessage, data: WireData): ServerFrame | Rejected {
    const { topic } = message
    if (typeof topic !== 'string' || topic === '') return { invalid: 'message() must name a topic, a non-empty string' }
    const identity = message.alone ? null : (raw.identity?.(message, data) ?? null)
    if (identity !== null && followed.has(topic)) last.set(topic, identity)
    const at = raw.position ? raw.position(message, data) : { offset: 1 }
    if (!at) return { invalid: 'position() must number every message', topic }
    const { offset, prev = offset - 1, epoch } = at
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(prev) || prev < 0 || offset <= prev) {
      return { invalid: 'position() must give whole numbers, with 0 <= prev < offset', topic }
    }
    const { stream, alone } = message
    return { type: 'message', topic, offset, prev, data: message.data, hasData: true, identity, epoch, stream, alone }
  }

  function decode(data: WireData): readonly ServerFrame[] | Rejected {
    replies.push(...pieces(raw.reply?.(data)))
    // What refuses the last topic that a leg waits for may be what makes the leg ready.
    const before = many(raw.refused?.(data)).map(({ topic, reason }): ServerFrame => ({ type: 'error', code: 'forbidden', topic, message: reason }))
    const serves = ready ? null : raw.ready?.(data)
    if (serves) {
      ready = true
      return [...before, welcome(serves === true ? {} : serves)]
    }
    if (before.length > 0) return before
    const handover = raw.handover?.(data)
    if (handover) return [asked(handover)]
    if (raw.pong?.(data)) {
      if (ready || !asksReady) return [{ type: 'pong' }]
      ready = true
      return [welcome({})]
    }
    if (raw.drained?.(data)) return [{ type: 'drained' }]
    const answer = raw.answer?.(data)
    if (answer) return [answered(answer)]
    return frames(raw.message(data), data)
  }

  function frames(said: RawMessage | readonly RawMessage[] | null | undefined, data: WireData): readonly ServerFrame[] | Rejected {
    const found: ServerFrame[] = []
    for (const message of many(said)) {
      const frame = messageFrame(message, data)
      if ('invalid' in frame) return frame
      found.push(frame)
    }
    return found
  }

  const threw = (thrown: unknown): Rejected => ({ invalid: `a function of rawProtocol threw: ${thrown instanceof Error ? thrown.name : typeof thrown}` })

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
        const found: ServerFrame[] = []
        for (const one of raw.split ? raw.split(data) : [data]) {
          const said = decode(one)
          if ('invalid' in said) return said
          found.push(...said)
        }
        return found
      } catch (thrown) {
        return threw(thrown)
      }
    },
    replies() {
      const waiting = replies
      replies = []
      return waiting
    },
    owes: () => raw.owes?.() ?? false,
    lost() {
      const said = frames(raw.lost?.(), '')
      return 'invalid' in said ? [] : said
    },
    opened() {
      if (ready || (raw.opened ? !raw.opened() : raw.ready || asksReady)) return []
      ready = true
      return [welcome({})]
    },
  }
}

function pieces(data: Outgoing): readonly WireData[] {
  return data == null ? [] : typeof data === 'string' || data instanceof ArrayBuffer ? [data] : data
}

function many<Thing extends object>(said: Thing | readonly Thing[] | null | undefined): readonly Thing[] {
  return said ? (Array.isArray(said) ? (said as readonly Thing[]) : [said as Thing]) : []
}

function asIs(data: unknown): WireData {
  return typeof data === 'string' || data instanceof ArrayBuffer ? data : JSON.stringify(data)
}
