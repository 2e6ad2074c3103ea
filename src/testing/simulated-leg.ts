import type { Clock } from '../base/clock.js'
import { decodeClientFrame } from '../protocol/client-frames.js'
import type { ClientFrame, ServerFrame, TopicAnswer, TopicRequests } from '../protocol/frames.js'
import { byteLength } from '../protocol/json.js'
import { HISTORY, type HistoryAnswer, type HistoryAsk } from '../protocol/own-methods.js'
import { encodeServerFrame } from '../protocol/server-frames.js'
import type { SimulatedLog } from './simulated-log.js'
import type { ServerEnd } from './simulated-socket.js'
import type { SimulatedTokens } from './simulated-tokens.js'

/** What the servers know in common, and how they are set up. */
export interface Cluster {
  readonly clock: Clock
  readonly log: SimulatedLog
  readonly tokens: SimulatedTokens
  readonly settings: ClusterSettings
  /** The newest leg of each session. */
  readonly newest: Map<string, number>
  /** The final answer to each publish, by session and id. */
  readonly answers: Map<string, ServerFrame>
  /** The newest `n` that was decided, by session and topic. */
  readonly decided: Map<string, number>
  /** When `answers` and `decided` were lost, on the clock. */
  answersLost: number
  record(server: string, by: 'client' | 'server', session: string, leg: number, text: string): void
}

/** What the simulated servers of a service are like. */
export interface ClusterSettings {
  /** A leg without a valid token is refused. Default false: a token is judged where there is one. */
  requireToken?: boolean
  /** Milliseconds, as in `welcome`. Default 10,000. */
  heartbeat?: number
  /** Bytes, as in `welcome`. Default: no limit, and none named. */
  maxFrame?: number
  /** Milliseconds, as in `welcome`. Default: not named. */
  reconnectSpread?: number
  /** Whether clients may see a message. */
  filter?: (topic: string, data: unknown) => boolean
  /** Whether clients may subscribe to a topic. */
  authorize?: (topic: string) => boolean
  /** Decides about a publish: what the answer's `data` is, or a refusal. Default: it is appended to its topic. */
  onPublish?: (
    topic: string,
    data: unknown,
  ) => { data?: unknown } | { refuse: { code: string; message?: string; retryAfter?: number } }
  /** Answers a request: what the answer's `data` is, or a refusal. Default: `unknown-method`. */
  onRequest?: (
    method: string,
    data: unknown,
  ) => { data?: unknown } | { refuse: { code: string; message?: string; data?: unknown; retryAfter?: number } }
}

type PublishFrame = Extract<ClientFrame, { type: 'publish' }>

/** What a server does wrong, and can be told to do at any moment. */
export interface Behaviour {
  /**
   * What becomes of a dial. `open`: it is served. `refuses`: it fails. `hangs`: the handshake is never answered.
   * `mute`: it opens and is never welcomed. The others answer the `hello` with that error.
   */
  door:
    | 'open'
    | 'refuses'
    | 'hangs'
    | 'mute'
    | 'unauthorized'
    | 'session-ended'
    | 'forbidden'
    | 'busy'
    | 'draining'
    | 'protocol'
  /** Milliseconds; sent along with `busy`. */
  retryAfter?: number
  /** False: publishes are applied and never answered. */
  acks: boolean
  /** Milliseconds between two replayed messages; live ones wait behind them. */
  replayPace: number
}

export interface SimulatedLeg {
  received(text: string): void
  closed(): void
  send(frame: ServerFrame): void
  /** Says why, and closes. */
  refuse(code: string, closeCode: number, message: string, extra?: { retryAfter?: number; id?: string }): void
  close(code: number, reason: string): void
  reset(): void
  readonly welcomed: boolean
  readonly session: string
  readonly number: number
}

const HELLO_TIMEOUT = 10_000
const GRACE = 5_000

const DOORS: Partial<Record<Behaviour['door'], number>> = {
  unauthorized: 3000,
  'session-ended': 3000,
  forbidden: 3003,
  draining: 1012,
  busy: 1013,
  protocol: 1002,
}

interface Subscription {
  /** The last offset that was looked at, and the last one that the client was told of as visible. */
  at: number
  prev: number
  /** Up to here it is replay. */
  readonly head: number
  pacing: boolean
}

/** One leg on its server: the protocol's server half, as small as it can be and still be right. */
export function createSimulatedLeg(
  cluster: Cluster,
  server: { readonly id: string; readonly draining: boolean; readonly behaviour: Behaviour },
  end: ServerEnd,
  over: () => void,
): SimulatedLeg {
  const { clock, log, tokens, settings } = cluster
  const topics = new Map<string, Subscription>()
  const heartbeat = settings.heartbeat ?? 10_000
  let state: 'new' | 'welcomed' | 'over' = 'new'
  let session = ''
  let number = 0
  let welcomedAt = 0
  let stopListening = () => {}
  let cancelExpiry = () => {}
  let cancelIdle = () => {}
  let cancelSilence = clock.setTimeout(() => leg.refuse('timeout', 3008, 'no hello came'), HELLO_TIMEOUT)

  function finish() {
    if (state === 'over') return
    state = 'over'
    for (const cancel of [stopListening, cancelExpiry, cancelIdle, cancelSilence]) cancel()
    topics.clear()
    over()
  }

  const leg: SimulatedLeg = {
    received,
    closed: finish,
    send(frame) {
      if (state === 'over') return
      const text = encodeServerFrame(frame)
      cluster.record(server.id, 'server', session, number, text)
      end.send(text)
      cancelIdle()
      if (state === 'welcomed') cancelIdle = clock.setTimeout(() => leg.send({ type: 'pong' }), heartbeat)
    },
    refuse(code, closeCode, message, extra) {
      leg.send({ type: 'error', code, message, ...extra })
      leg.close(closeCode, code)
    },
    close(code, reason) {
      if (state === 'over') return
      end.close(code, reason)
      finish()
    },
    reset() {
      if (state === 'over') return
      end.reset()
      finish()
    },
    get welcomed() {
      return state === 'welcomed'
    },
    get session() {
      return session
    },
    get number() {
      return number
    },
  }

  function received(text: string) {
    if (state === 'over') return
    const read = decodeClientFrame(text)
    const frame = read && 'type' in read ? read : null
    if (frame?.type === 'hello') ({ session, leg: number } = frame)
    cluster.record(server.id, 'client', session, number, text)
    if (state === 'welcomed') heard()
    if (settings.maxFrame !== undefined && byteLength(text) > settings.maxFrame) {
      const id = frame?.type === 'publish' ? { id: frame.id } : undefined
      return leg.refuse('too-large', 1009, `a frame may have ${settings.maxFrame} bytes`, id)
    }
    if (read && 'invalid' in read) return leg.refuse('protocol', 1002, read.invalid)
    if (!frame) return
    if ((frame.type === 'hello') !== (state === 'new'))
      return leg.refuse('protocol', 1002, 'hello is the first frame of a leg, and only that')
    answer(frame)
  }

  function heard() {
    cancelSilence()
    cancelSilence = clock.setTimeout(() => leg.reset(), heartbeat + GRACE)
  }

  function answer(frame: ClientFrame) {
    switch (frame.type) {
      case 'hello':
        return hello(frame)
      case 'subscribe': {
        const { answers, refused } = subscribe(frame.topics)
        refuseTopics(refused, { id: frame.id })
        leg.send({ type: 'subscribed', id: frame.id, topics: answers })
        for (const topic of answers.keys()) pump(topic)
        return
      }
      case 'unsubscribe':
        for (const topic of frame.topics) topics.delete(topic)
        return
      case 'publish':
        return publish(frame)
      case 'request':
        return request(frame)
      case 'auth': {
        if (tokens.left(frame.token) === null) return leg.refuse('unauthorized', 3000, 'the token is not valid')
        return leg.send({ type: 'authed', ...watchToken(frame.token) })
      }
      case 'ping':
        return leg.send({ type: 'pong' })
    }
  }

  function hello(frame: Extract<ClientFrame, { type: 'hello' }>) {
    const { door, retryAfter } = server.behaviour
    if (door === 'mute') return
    const closeCode = DOORS[door]
    if (closeCode !== undefined)
      return leg.refuse(
        door,
        closeCode,
        `this server is told to answer ${door}`,
        retryAfter === undefined ? {} : { retryAfter },
      )
    if (server.draining) return leg.refuse('draining', 1012, 'this server is going away')
    if (frame.leg <= (cluster.newest.get(session) ?? 0))
      return leg.refuse('superseded', 4001, 'a newer leg of this session is known')
    if (frame.token === undefined ? settings.requireToken : tokens.left(frame.token) === null)
      return leg.refuse('unauthorized', 3000, 'the token is not valid')
    cluster.newest.set(session, frame.leg)
    state = 'welcomed'
    welcomedAt = clock.monotonic()
    heard()
    stopListening = log.listen((topic, change) => {
      if (!topics.has(topic)) return
      if (change === 'epoch') {
        const { answers } = subscribe(new Map([[topic, null]]))
        leg.send({ type: 'subscribed', topics: answers })
      }
      pump(topic)
    })
    const { answers, refused } = subscribe(frame.topics)
    const { maxFrame, reconnectSpread } = settings
    refuseTopics(refused)
    leg.send({
      type: 'welcome',
      server: server.id,
      topics: answers,
      heartbeat,
      ...(frame.token === undefined ? {} : watchToken(frame.token)),
      ...(maxFrame === undefined ? {} : { maxFrame }),
      ...(reconnectSpread === undefined ? {} : { reconnectSpread }),
    })
    for (const topic of answers.keys()) pump(topic)
  }

  /** Before what names the others: a topic that is asked for, and in neither, has not been answered. */
  function refuseTopics(refused: readonly string[], asked?: { readonly id: string }) {
    for (const topic of refused)
      leg.send({ type: 'error', code: 'forbidden', message: 'this topic is not for this client', topic, ...asked })
  }

  function watchToken(token: string) {
    const left = tokens.left(token)
    cancelExpiry()
    if (left === null) return {}
    cancelExpiry = clock.setTimeout(() => leg.refuse('unauthorized', 3000, 'the token has expired'), left)
    return { tokenTtl: Math.round(left) }
  }

  function subscribe(asked: TopicRequests) {
    const answers = new Map<string, TopicAnswer>()
    const refused: string[] = []
    for (const [topic, position] of asked) {
      if (settings.authorize?.(topic) === false) {
        topics.delete(topic)
        refused.push(topic)
        continue
      }
      const reply = log.answer(topic, position)
      answers.set(topic, reply)
      topics.set(topic, { at: reply.after, prev: reply.after, head: reply.offset, pacing: false })
    }
    return { answers, refused }
  }

  /**
   * Sends what the log has after what was sent. A hidden message is told of by its offset, where no visible one follows
   * it at once.
   */
  function pump(topic: string) {
    const subscription = topics.get(topic)
    if (!subscription || subscription.pacing) return
    let hidden: number | null = null
    const tellHidden = () => {
      if (hidden !== null) leg.send({ type: 'message', topic, offset: hidden, prev: subscription.prev, hasData: false })
      hidden = null
    }
    for (const { offset, data } of log.after(topic, subscription.at)) {
      // What the log has forgotten in between shows: this message does not follow the one before.
      if (offset > subscription.at + 1) subscription.prev = offset - 1
      subscription.at = offset
      if (settings.filter?.(topic, data) === false) {
        hidden = offset
        continue
      }
      hidden = null
      leg.send({ type: 'message', topic, offset, prev: subscription.prev, data, hasData: true })
      subscription.prev = offset
      if (server.behaviour.replayPace > 0 && offset <= subscription.head) {
        subscription.pacing = true
        clock.setTimeout(() => {
          subscription.pacing = false
          if (topics.get(topic) === subscription) pump(topic)
        }, server.behaviour.replayPace)
        return
      }
    }
    tellHidden()
  }

  function publish(frame: PublishFrame) {
    const key = `${session} ${frame.id}`
    let reply = cluster.answers.get(key)
    if (!reply) {
      reply = apply(frame)
      // A refusal for now is no final answer: the same id may still be applied.
      if (reply.type !== 'nack' || reply.retryAfter === undefined) {
        cluster.answers.set(key, reply)
        if (frame.n !== undefined)
          cluster.decided.set(`${session} ${frame.topic}`, Math.max(frame.n, newest(frame.topic)))
      }
    }
    if (server.behaviour.acks) leg.send(reply)
  }

  function historyOf(method: string, data: unknown): { data: HistoryAnswer } | null {
    if (method !== HISTORY) return null
    const { topic, limit, before } = data as HistoryAsk
    const { epoch } = log.answer(topic, null)
    const seen = log
      .after(topic, 0)
      .filter((one) => one.offset < (before?.offset ?? Infinity) && settings.filter?.(topic, one.data) !== false)
    return { data: { epoch, messages: seen.slice(-limit).map((one) => ({ offset: one.offset, data: one.data })) } }
  }

  function request({ id, method, data }: Extract<ClientFrame, { type: 'request' }>) {
    const decision = settings.onRequest?.(method, data) ??
      historyOf(method, data) ?? {
        refuse: { code: 'unknown-method', message: `this server has no method ${method}` },
      }
    if (!server.behaviour.acks) return
    if ('refuse' in decision) leg.send({ type: 'nack', id, message: 'the application refused it', ...decision.refuse })
    else leg.send({ type: 'ack', id, ...decision })
  }

  const newest = (topic: string) => cluster.decided.get(`${session} ${topic}`) ?? 0

  function apply({ id, topic, n, data, age }: PublishFrame): ServerFrame {
    // What was sent before they forgot may have been applied: a repeat, and a first copy on a leg of before.
    const sent = age !== undefined ? clock.monotonic() - age : n !== undefined ? welcomedAt : Infinity
    if (sent <= cluster.answersLost)
      return { type: 'nack', id, code: 'outcome-unknown', message: 'there is no record of what this publish came to' }
    if (n !== undefined && n <= newest(topic))
      return { type: 'nack', id, code: 'out-of-order', message: 'a later publish into this topic was decided first' }
    const decision = settings.onPublish?.(topic, data) ?? {}
    if ('refuse' in decision) return { type: 'nack', id, message: 'the application refused it', ...decision.refuse }
    const { offset } = log.append(topic, data)
    return { type: 'ack', id, offset, ...('data' in decision ? { data: decision.data } : {}) }
  }

  return leg
}
