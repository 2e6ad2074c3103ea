import { decodeClientFrame } from '../protocol/client-frame-decoder.js'
import type { ClientFrame, ServerFrame, SignalFrame } from '../protocol/frames.js'
import { byteLength } from '../protocol/json.js'
import { encodeServerFrame } from '../protocol/server-frames.js'
import { answerPublish, answerRequest, FAILED, REFUSED, type PublishFrame } from './simulated-answers.js'
import type { Decision } from './cluster-settings.js'
import type { Behaviour, Cluster } from './simulated-cluster.js'
import { createSimulatedReading, type SimulatedReading } from './simulated-reading.js'
import type { ServerEnd } from './simulated-socket.js'

export interface SimulatedLeg {
  received(text: string): void
  closed(): void
  send(frame: ServerFrame): void
  /** Sends the reason as an error, and closes. */
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

interface Serving {
  readonly id: string
  readonly draining: boolean
  readonly behaviour: Behaviour
}

/** One leg on its server: the server's half of the protocol, as small as possible and still correct. */
export function createSimulatedLeg(
  cluster: Cluster,
  server: Serving,
  end: ServerEnd,
  over: (welcomed: boolean) => void,
): SimulatedLeg {
  return new ServedLeg(cluster, server, end, over)
}

class ServedLeg implements SimulatedLeg {
  readonly #cluster: Cluster
  readonly #server: Serving
  readonly #end: ServerEnd
  readonly #over: (welcomed: boolean) => void
  readonly #reading: SimulatedReading
  readonly #heartbeat: number
  #state: 'new' | 'welcomed' | 'over' = 'new'
  session = ''
  number = 0
  #welcomedAt = 0
  #subject: string | undefined
  #stopListening = () => {}
  #cancelExpiry = () => {}
  #cancelIdle = () => {}
  #cancelSilence: () => void

  constructor(cluster: Cluster, server: Serving, end: ServerEnd, over: (welcomed: boolean) => void) {
    this.#cluster = cluster
    this.#server = server
    this.#end = end
    this.#over = over
    this.#reading = createSimulatedReading(cluster, server.behaviour, (frame) => this.send(frame))
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
    const { welcomed } = this
    this.#state = 'over'
    for (const cancel of [this.#stopListening, this.#cancelExpiry, this.#cancelIdle, this.#cancelSilence]) cancel()
    this.#reading.clear()
    this.#over(welcomed)
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
        const { answers, refused } = this.#reading.subscribe(frame.topics)
        this.#refuseTopics(refused, { id: frame.id })
        this.send({ type: 'subscribed', id: frame.id, topics: answers })
        for (const topic of answers.keys()) this.#reading.pump(topic)
        return
      }
      case 'unsubscribe':
        for (const topic of frame.topics) this.#reading.drop(topic)
        return
      case 'publish':
        return this.#publish(frame)
      case 'request':
        return this.#request(frame)
      case 'signal':
        return this.#signal(frame)
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
    this.#subject = this.#cluster.tokens.subject(frame.token)
    this.#cluster.presence.joined(this.session)
    const told = (signal: SignalFrame, from: string) => {
      if (from !== this.session && this.#reading.has(signal.topic)) this.send(signal)
    }
    this.#cluster.signals.add(told)
    const stopReading = this.#cluster.log.listen((topic, change) => {
      if (!this.#reading.has(topic)) return
      if (change === 'epoch') {
        const { answers } = this.#reading.subscribe(new Map([[topic, null]]))
        this.send({ type: 'subscribed', topics: answers })
      }
      this.#reading.pump(topic)
    })
    this.#stopListening = () => {
      stopReading()
      this.#cluster.signals.delete(told)
    }
    const { answers, refused } = this.#reading.subscribe(frame.topics)
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
    for (const topic of answers.keys()) this.#reading.pump(topic)
  }

  /**
   * Refusals come before the frame that has the answers: a topic that was requested and is in neither has not been
   * answered.
   */
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

  #publish(frame: PublishFrame) {
    const answer = answerPublish(this.#cluster, this.session, this.#welcomedAt, frame)
    if (this.#server.behaviour.acks) this.send(answer)
  }

  #request({ id, method, data }: Extract<ClientFrame, { type: 'request' }>) {
    const tell = (decision: Decision) => {
      if (!this.#server.behaviour.acks) return
      if ('refuse' in decision) this.send({ type: 'nack', id, message: REFUSED, ...decision.refuse })
      else this.send({ type: 'ack', id, ...decision })
    }
    const decision = answerRequest(this.#cluster, method, data, { session: this.session, subject: this.#subject })
    if (decision instanceof Promise) void decision.then(tell, () => tell(FAILED))
    else tell(decision)
  }

  #signal({ id, topic, data }: Extract<ClientFrame, { type: 'signal' }>) {
    if (!this.#reading.has(topic))
      return this.send({ type: 'nack', id, code: 'not-subscribed', message: 'this leg has not subscribed the topic' })
    const signal: SignalFrame = { type: 'signal', id: `${this.session}.${id}`, topic, data }
    for (const told of this.#cluster.signals) told(signal, this.session)
  }
}
