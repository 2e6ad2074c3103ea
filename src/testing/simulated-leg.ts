import { decodeClientFrame } from '../protocol/client-frames.js'
import type { ClientFrame, ServerFrame, TopicAnswer, TopicRequests } from '../protocol/frames.js'
import { byteLength } from '../protocol/json.js'
import { encodeServerFrame } from '../protocol/server-frames.js'
import { answerPublish, answerRequest, REFUSED, type PublishFrame } from './simulated-answers.js'
import type { Behaviour, Cluster } from './simulated-cluster.js'
import type { ServerEnd } from './simulated-socket.js'

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

interface Serving {
  readonly id: string
  readonly draining: boolean
  readonly behaviour: Behaviour
}

/** One leg on its server: the protocol's server half, as small as it can be and still be right. */
export function createSimulatedLeg(cluster: Cluster, server: Serving, end: ServerEnd, over: () => void): SimulatedLeg {
  return new ServedLeg(cluster, server, end, over)
}

class ServedLeg implements SimulatedLeg {
  readonly #cluster: Cluster
  readonly #server: Serving
  readonly #end: ServerEnd
  readonly #over: () => void
  readonly #topics = new Map<string, Subscription>()
  readonly #heartbeat: number
  #state: 'new' | 'welcomed' | 'over' = 'new'
  session = ''
  number = 0
  #welcomedAt = 0
  #stopListening = () => {}
  #cancelExpiry = () => {}
  #cancelIdle = () => {}
  #cancelSilence: () => void

  constructor(cluster: Cluster, server: Serving, end: ServerEnd, over: () => void) {
    this.#cluster = cluster
    this.#server = server
    this.#end = end
    this.#over = over
    this.#heartbeat = cluster.settings.heartbeat ?? 10_000
    this.#cancelSilence = cluster.clock.setTimeout(() => this.refuse('timeout', 3008, 'no hello came'), HELLO_TIMEOUT)
  }

  get welcomed() {
    return this.#state === 'welcomed'
  }

  closed() {
    this.#finish()
  }

  received(text: string) {
    if (this.#state === 'over') return
    const read = decodeClientFrame(text)
    const frame = read && 'type' in read ? read : null
    if (frame?.type === 'hello') ({ session: this.session, leg: this.number } = frame)
    this.#cluster.record(this.#server.id, 'client', this.session, this.number, text)
    if (this.#state === 'welcomed') this.#heard()
    if (this.#cluster.settings.maxFrame !== undefined && byteLength(text) > this.#cluster.settings.maxFrame) {
      const id = frame?.type === 'publish' ? { id: frame.id } : undefined
      return this.refuse('too-large', 1009, `a frame may have ${this.#cluster.settings.maxFrame} bytes`, id)
    }
    if (read && 'invalid' in read) return this.refuse('protocol', 1002, read.invalid)
    if (!frame) return
    if ((frame.type === 'hello') !== (this.#state === 'new'))
      return this.refuse('protocol', 1002, 'hello is the first frame of a leg, and only that')
    this.#answer(frame)
  }

  send(frame: ServerFrame) {
    if (this.#state === 'over') return
    const text = encodeServerFrame(frame)
    this.#cluster.record(this.#server.id, 'server', this.session, this.number, text)
    this.#end.send(text)
    this.#cancelIdle()
    if (this.#state === 'welcomed')
      this.#cancelIdle = this.#cluster.clock.setTimeout(() => this.send({ type: 'pong' }), this.#heartbeat)
  }

  refuse(code: string, closeCode: number, message: string, extra?: { retryAfter?: number; id?: string }) {
    this.send({ type: 'error', code, message, ...extra })
    this.close(closeCode, code)
  }

  close(code: number, reason: string) {
    if (this.#state === 'over') return
    this.#end.close(code, reason)
    this.#finish()
  }

  reset() {
    if (this.#state === 'over') return
    this.#end.reset()
    this.#finish()
  }

  #finish() {
    if (this.#state === 'over') return
    this.#state = 'over'
    for (const cancel of [this.#stopListening, this.#cancelExpiry, this.#cancelIdle, this.#cancelSilence]) cancel()
    this.#topics.clear()
    this.#over()
  }

  #heard() {
    this.#cancelSilence()
    this.#cancelSilence = this.#cluster.clock.setTimeout(() => this.reset(), this.#heartbeat + GRACE)
  }

  #answer(frame: ClientFrame) {
    switch (frame.type) {
      case 'hello':
        return this.#hello(frame)
      case 'subscribe': {
        const { answers, refused } = this.#subscribe(frame.topics)
        this.#refuseTopics(refused, { id: frame.id })
        this.send({ type: 'subscribed', id: frame.id, topics: answers })
        for (const topic of answers.keys()) this.#pump(topic)
        return
      }
      case 'unsubscribe':
        for (const topic of frame.topics) this.#topics.delete(topic)
        return
      case 'publish':
        return this.#publish(frame)
      case 'request':
        return this.#request(frame)
      case 'auth': {
        if (this.#cluster.tokens.left(frame.token) === null)
          return this.refuse('unauthorized', 3000, 'the token is not valid')
        return this.send({ type: 'authed', ...this.#watchToken(frame.token) })
      }
      case 'ping':
        return this.send({ type: 'pong' })
    }
  }

  #hello(frame: Extract<ClientFrame, { type: 'hello' }>) {
    const { door, retryAfter } = this.#server.behaviour
    if (door === 'mute') return
    const closeCode = DOORS[door]
    if (closeCode !== undefined)
      return this.refuse(
        door,
        closeCode,
        `this server is told to answer ${door}`,
        retryAfter === undefined ? {} : { retryAfter },
      )
    if (this.#server.draining) return this.refuse('draining', 1012, 'this server is going away')
    if (frame.leg <= (this.#cluster.newest.get(this.session) ?? 0))
      return this.refuse('superseded', 4001, 'a newer leg of this session is known')
    if (
      frame.token === undefined ? this.#cluster.settings.requireToken : this.#cluster.tokens.left(frame.token) === null
    )
      return this.refuse('unauthorized', 3000, 'the token is not valid')
    this.#cluster.newest.set(this.session, frame.leg)
    this.#state = 'welcomed'
    this.#welcomedAt = this.#cluster.clock.monotonic()
    this.#heard()
    this.#stopListening = this.#cluster.log.listen((topic, change) => {
      if (!this.#topics.has(topic)) return
      if (change === 'epoch') {
        const { answers } = this.#subscribe(new Map([[topic, null]]))
        this.send({ type: 'subscribed', topics: answers })
      }
      this.#pump(topic)
    })
    const { answers, refused } = this.#subscribe(frame.topics)
    const { maxFrame, reconnectSpread } = this.#cluster.settings
    this.#refuseTopics(refused)
    this.send({
      type: 'welcome',
      server: this.#server.id,
      topics: answers,
      heartbeat: this.#heartbeat,
      ...(frame.token === undefined ? {} : this.#watchToken(frame.token)),
      ...(maxFrame === undefined ? {} : { maxFrame }),
      ...(reconnectSpread === undefined ? {} : { reconnectSpread }),
    })
    for (const topic of answers.keys()) this.#pump(topic)
  }

  /** Before what names the others: a topic that is asked for, and in neither, has not been answered. */
  #refuseTopics(refused: readonly string[], asked?: { readonly id: string }) {
    for (const topic of refused)
      this.send({ type: 'error', code: 'forbidden', message: 'this topic is not for this client', topic, ...asked })
  }

  #watchToken(token: string) {
    const left = this.#cluster.tokens.left(token)
    this.#cancelExpiry()
    if (left === null) return {}
    this.#cancelExpiry = this.#cluster.clock.setTimeout(
      () => this.refuse('unauthorized', 3000, 'the token has expired'),
      left,
    )
    return { tokenTtl: Math.round(left) }
  }

  #subscribe(asked: TopicRequests) {
    const answers = new Map<string, TopicAnswer>()
    const refused: string[] = []
    for (const [topic, position] of asked) {
      if (this.#cluster.settings.authorize?.(topic) === false) {
        this.#topics.delete(topic)
        refused.push(topic)
        continue
      }
      const reply = this.#cluster.log.answer(topic, position)
      answers.set(topic, reply)
      this.#topics.set(topic, { at: reply.after, prev: reply.after, head: reply.offset, pacing: false })
    }
    return { answers, refused }
  }

  /**
   * Sends what the log has after what was sent. A hidden message is told of by its offset, where no visible one follows
   * it at once.
   */
  #pump(topic: string) {
    const subscription = this.#topics.get(topic)
    if (!subscription || subscription.pacing) return
    let hidden: number | null = null
    const tellHidden = () => {
      if (hidden !== null)
        this.send({ type: 'message', topic, offset: hidden, prev: subscription.prev, hasData: false })
      hidden = null
    }
    for (const { offset, data } of this.#cluster.log.after(topic, subscription.at)) {
      // What the log has forgotten in between shows: this message does not follow the one before.
      if (offset > subscription.at + 1) subscription.prev = offset - 1
      subscription.at = offset
      if (this.#cluster.settings.filter?.(topic, data) === false) {
        hidden = offset
        continue
      }
      hidden = null
      this.send({ type: 'message', topic, offset, prev: subscription.prev, data, hasData: true })
      subscription.prev = offset
      if (this.#server.behaviour.replayPace > 0 && offset <= subscription.head) {
        subscription.pacing = true
        this.#cluster.clock.setTimeout(() => {
          subscription.pacing = false
          if (this.#topics.get(topic) === subscription) this.#pump(topic)
        }, this.#server.behaviour.replayPace)
        return
      }
    }
    tellHidden()
  }

  #publish(frame: PublishFrame) {
    const answer = answerPublish(this.#cluster, this.session, this.#welcomedAt, frame)
    if (this.#server.behaviour.acks) this.send(answer)
  }

  #request({ id, method, data }: Extract<ClientFrame, { type: 'request' }>) {
    const decision = answerRequest(this.#cluster, method, data)
    if (!this.#server.behaviour.acks) return
    if ('refuse' in decision) this.send({ type: 'nack', id, message: REFUSED, ...decision.refuse })
    else this.send({ type: 'ack', id, ...decision })
  }
}
