import type { Clock } from '../../src/base/clock.js'
import type { ModelLog } from './model-log.js'
import type { Connection, ServerEnd } from './wire.js'

export interface ModelServerDeps {
  readonly name: string
  readonly url: string
  readonly topic: string
  readonly clock: Clock
  readonly log: ModelLog
  /** For each session, the newest leg that any server has welcomed. */
  readonly newestLegs: Map<string, number>
  readonly heartbeat: number
  tokenValid(token: unknown): boolean
  tokenTtl(token: unknown): number | undefined
  /** Reports that a client broke a rule. */
  broken(rule: string): void
}

interface ServedLeg {
  session: string | null
  /** Null: not subscribed. Otherwise the offset up to which the leg has been served. */
  told: number | null
  epoch: string
  lossesAtWelcome: number
}

/** A server according to docs/protocol.md, without any code of the product. */
export class ModelServer implements ServerEnd {
  readonly name: string
  readonly url: string
  up = true
  readonly #deps: ModelServerDeps
  readonly #legs = new Map<Connection, ServedLeg>()
  #drained: { id: string; stop: () => void } | null = null
  #refusal: 'busy' | null = null
  #drains = 0
  #lives = 0

  constructor(deps: ModelServerDeps) {
    this.#deps = deps
    this.name = deps.name
    this.url = deps.url
  }

  /** The answer to every hello; null: a welcome. */
  refuse(refusal: 'busy' | null) {
    this.#refusal = refusal
  }

  get draining(): boolean {
    return this.#drained !== null
  }

  /** Whether the log has an entry that this server has not read yet. */
  get behind(): boolean {
    for (const leg of this.#legs.values()) if (this.#lacks(leg)) return true
    return false
  }

  /** Reads one entry. */
  readOn() {
    for (const [connection, leg] of this.#legs) this.#tellNext(connection, leg)
  }

  /** Asks every leg to hand over to `url`. */
  drain(url: string | undefined, deadline: number) {
    const id = `${this.name}-drain-${++this.#drains}`
    const asked = [...this.#legs].filter(([, { session }]) => session !== null).map(([connection]) => connection)
    for (const connection of asked)
      connection.tell({ type: 'handover', id, reason: 'deploy', deadline, ...(url === undefined ? {} : { url }) })
    const stop = this.#deps.clock.setTimeout(() => {
      for (const connection of asked) if (this.#legs.delete(connection)) connection.end(1012, 'deploy')
    }, deadline)
    this.#drained = { id, stop }
  }

  cancelDrain() {
    if (!this.#drained) return
    this.#drained.stop()
    for (const [connection, { session }] of this.#legs)
      if (session !== null) connection.tell({ type: 'handover-cancelled', id: this.#drained.id })
    this.#drained = null
  }

  crash() {
    this.up = false
    this.#drained?.stop()
    this.#drained = null
    for (const connection of this.#legs.keys()) connection.reset()
    this.#legs.clear()
  }

  /** Another process takes its place, whatever it was doing. */
  restart() {
    if (this.up) this.crash()
    this.up = true
    this.#lives++
  }

  opened(connection: Connection) {
    if (!this.up) return connection.reset()
    const { epoch, losses } = this.#deps.log
    this.#legs.set(connection, { session: null, told: null, epoch, lossesAtWelcome: losses })
  }

  received(connection: Connection, text: string) {
    const leg = this.#legs.get(connection)
    if (leg) this.#answer(connection, leg, JSON.parse(text) as ClientFrame)
  }

  closed(connection: Connection) {
    this.#legs.delete(connection)
  }

  #lacks({ told, epoch }: ServedLeg): boolean {
    const { log } = this.#deps
    return told !== null && (told < log.head || epoch !== log.epoch)
  }

  /** Reads everything that the log has. A server does this before it names a head (server rule 6). */
  #catchUp(connection: Connection, leg: ServedLeg) {
    while (this.#lacks(leg)) this.#tellNext(connection, leg)
  }

  #tellNext(connection: Connection, leg: ServedLeg) {
    const { log, topic } = this.#deps
    if (leg.told === null) return
    if (leg.epoch !== log.epoch) {
      leg.epoch = log.epoch
      leg.told = 0
      connection.tell({ type: 'subscribed', topics: { [topic]: { epoch: log.epoch, offset: log.head, after: 0 } } })
    }
    if (leg.told < log.trimmed) {
      leg.told = log.trimmed
      const topics = { [topic]: { epoch: log.epoch, offset: log.head, after: leg.told } }
      connection.tell({ type: 'subscribed', topics })
    }
    const prev = leg.told
    let entry = log.next(prev)
    if (!entry) return
    if (!entry.hidden) {
      leg.told = entry.offset
      connection.tell({ type: 'message', topic, offset: entry.offset, data: entry.data })
      return
    }
    // Hidden entries are passed with the next visible one, or named as the end of the log.
    for (let later = log.next(entry.offset); entry.hidden && later; later = log.next(entry.offset)) entry = later
    leg.told = entry.offset
    connection.tell({
      type: 'message',
      topic,
      offset: leg.told,
      prev,
      ...(entry.hidden ? {} : { data: entry.data }),
    })
  }

  #subscribe(connection: Connection, leg: ServedLeg, from: { epoch?: string; offset?: number }) {
    const { log, topic } = this.#deps
    this.#catchUp(connection, leg)
    const known = from.epoch === log.epoch && from.offset !== undefined && from.offset <= log.head
    const after = from.epoch === undefined ? log.head : Math.max(log.trimmed, known ? from.offset! : 0)
    leg.told = after
    leg.epoch = log.epoch
    return { [topic]: { epoch: log.epoch, offset: log.head, after } }
  }

  #turnAway(connection: Connection, code: string, close: number, details: object = {}) {
    connection.tell({ type: 'error', code, message: code, ...details })
    connection.end(close, code)
    this.#legs.delete(connection)
  }

  #hello(connection: Connection, leg: ServedLeg, frame: ClientFrame) {
    const deps = this.#deps
    if (this.#drained) return this.#turnAway(connection, 'draining', 1012)
    if (this.#refusal === 'busy') return this.#turnAway(connection, 'busy', 1013, { retryAfter: 1_000 })
    if (!deps.tokenValid(frame.token)) return this.#turnAway(connection, 'unauthorized', 3000)
    const session = frame.session!
    if (frame.leg! <= (deps.newestLegs.get(session) ?? 0)) return this.#turnAway(connection, 'superseded', 4001)
    deps.newestLegs.set(session, frame.leg!)
    leg.session = session
    leg.lossesAtWelcome = deps.log.losses
    const wanted = frame.topics?.[deps.topic]
    const topics = wanted ? this.#subscribe(connection, leg, wanted) : {}
    const ttl = deps.tokenTtl(frame.token)
    connection.tell({
      type: 'welcome',
      server: `${this.name}#${this.#lives}`,
      topics,
      heartbeat: deps.heartbeat,
      reconnectSpread: 1_000,
      ...(ttl === undefined ? {} : { tokenTtl: ttl }),
    })
    this.#catchUp(connection, leg)
  }

  #answer(connection: Connection, leg: ServedLeg, frame: ClientFrame) {
    const deps = this.#deps
    if (leg.session === null) {
      if (frame.type !== 'hello') return deps.broken(`${frame.type} before hello`)
      return this.#hello(connection, leg, frame)
    }
    switch (frame.type) {
      case 'delayed':
        // A client's report that its handover is delayed, for the pace of a drain. It has no answer.
        return
      case 'ping':
        return connection.tell({ type: 'pong' })
      case 'subscribe': {
        const topics = this.#subscribe(connection, leg, frame.topics![deps.topic]!)
        connection.tell({ type: 'subscribed', id: frame.id, topics })
        return this.#catchUp(connection, leg)
      }
      case 'unsubscribe':
        leg.told = null
        return
      case 'publish': {
        const { id = '', n = 0, age, data } = frame
        const given = deps.log.publish(
          { session: leg.session, id, n, data, ...(age === undefined ? {} : { age }) },
          leg.lossesAtWelcome,
        )
        // Not written with spread, because each object would get a shape of its own, and there are many of them.
        return connection.tell(
          given.type === 'ack'
            ? { type: 'ack', offset: given.offset, id }
            : { type: 'nack', code: given.code, message: given.message, id },
        )
      }
      case 'auth':
        if (!deps.tokenValid(frame.token)) return this.#turnAway(connection, 'unauthorized', 3000)
        return connection.tell({ type: 'authed', tokenTtl: deps.tokenTtl(frame.token) })
      default:
        return deps.broken(`a frame of type ${frame.type}`)
    }
  }
}

interface ClientFrame {
  readonly type: string
  readonly session?: string
  readonly leg?: number
  readonly token?: unknown
  readonly topics?: Record<string, { epoch?: string; offset?: number }>
  readonly id?: string
  readonly n?: number
  readonly age?: number
  readonly data?: unknown
}
