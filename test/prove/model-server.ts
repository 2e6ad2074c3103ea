import type { Clock } from '../../src/base/clock.js'
import type { ModelLog } from './model-log.js'
import type { Connection, ServerEnd } from './wire.js'

/** A server as docs/protocol.md has it, and nothing of the product's own. */
export interface ModelServer extends ServerEnd {
  readonly name: string
  readonly url: string
  readonly up: boolean
  /** What every hello is answered with; null: it is welcome. */
  refuse(refusal: 'busy' | null): void
  readonly draining: boolean
  /** The log has an entry that this server has not read yet. */
  readonly behind: boolean
  /** Reads one. */
  readOn(): void
  /** Asks every leg to move to `url`. */
  drain(url: string | undefined, deadline: number): void
  cancelDrain(): void
  crash(): void
  /** Another process takes its place, whatever it was at. */
  restart(): void
}

export interface ModelServerDeps {
  readonly name: string
  readonly url: string
  readonly topic: string
  readonly clock: Clock
  readonly log: ModelLog
  /** Of each session the newest leg that any server has welcomed. */
  readonly newestLegs: Map<string, number>
  readonly heartbeat: number
  tokenValid(token: unknown): boolean
  tokenTtl(token: unknown): number | undefined
  /** A client broke a rule. */
  broken(rule: string): void
}

interface ServedLeg {
  session: string | null
  /** Null: not subscribed. Else the offset up to which it was told. */
  told: number | null
  epoch: string
  lossesAtWelcome: number
}

export function createModelServer(deps: ModelServerDeps): ModelServer {
  const { clock, log, topic } = deps
  const legs = new Map<Connection, ServedLeg>()
  let drained: { id: string; stop: () => void } | null = null
  let up = true
  let refusal: 'busy' | null = null
  let drains = 0
  let lives = 0

  const server: ModelServer = {
    name: deps.name,
    url: deps.url,
    get up() {
      return up
    },
    refuse: (given) => void (refusal = given),
    get draining() {
      return drained !== null
    },
    get behind() {
      return [...legs.values()].some((leg) => leg.told !== null && (leg.told < log.head || leg.epoch !== log.epoch))
    },
    readOn() {
      for (const [connection, leg] of legs) tellNext(connection, leg)
    },
    drain(url, deadline) {
      const id = `${deps.name}-drain-${++drains}`
      const asked = [...legs].filter(([, { session }]) => session !== null).map(([connection]) => connection)
      for (const connection of asked)
        connection.send({ type: 'handover', id, reason: 'deploy', deadline, ...(url === undefined ? {} : { url }) })
      const stop = clock.setTimeout(() => {
        for (const connection of asked) if (legs.delete(connection)) connection.close(1012, 'deploy')
      }, deadline)
      drained = { id, stop }
    },
    cancelDrain() {
      if (!drained) return
      drained.stop()
      for (const [connection, { session }] of legs)
        if (session !== null) connection.send({ type: 'handover-cancelled', id: drained.id })
      drained = null
    },
    crash() {
      up = false
      drained?.stop()
      drained = null
      for (const connection of legs.keys()) connection.reset()
      legs.clear()
    },
    restart() {
      if (up) server.crash()
      up = true
      lives++
    },
    opened(connection) {
      if (!up) return connection.reset()
      legs.set(connection, { session: null, told: null, epoch: log.epoch, lossesAtWelcome: log.losses })
    },
    received(connection, text) {
      const leg = legs.get(connection)
      if (leg) answer(connection, leg, JSON.parse(text) as ClientFrame)
    },
    closed: (connection) => void legs.delete(connection),
  }

  /** Everything that the log has by now. It is what a server does before it names a head (server rule 6). */
  function catchUp(connection: Connection, leg: ServedLeg) {
    while (leg.told !== null && (leg.told < log.head || leg.epoch !== log.epoch)) tellNext(connection, leg)
  }

  function tellNext(connection: Connection, leg: ServedLeg) {
    if (leg.told === null) return
    if (leg.epoch !== log.epoch) {
      leg.epoch = log.epoch
      leg.told = 0
      connection.send({ type: 'subscribed', topics: { [topic]: { epoch: log.epoch, offset: log.head, after: 0 } } })
    }
    if (leg.told < log.trimmed) {
      leg.told = log.trimmed
      const topics = { [topic]: { epoch: log.epoch, offset: log.head, after: leg.told } }
      connection.send({ type: 'subscribed', topics })
    }
    const [entry, ...later] = log.read(leg.told)
    if (!entry) return
    const prev = leg.told
    if (!entry.hidden) {
      leg.told = entry.offset
      connection.send({
        type: 'message',
        topic,
        offset: entry.offset,
        ...(prev === entry.offset - 1 ? {} : { prev }),
        data: entry.data,
      })
      return
    }
    // What is hidden is passed with the next one that is not, or named as the end of what is there.
    const seen = later.find(({ hidden }) => !hidden)
    leg.told = seen?.offset ?? later.at(-1)?.offset ?? entry.offset
    connection.send({
      type: 'message',
      topic,
      offset: leg.told,
      prev,
      ...(seen ? { data: seen.data } : {}),
    })
  }

  function subscribe(connection: Connection, leg: ServedLeg, from: { epoch?: string; offset?: number }) {
    catchUp(connection, leg)
    const known = from.epoch === log.epoch && from.offset !== undefined && from.offset <= log.head
    const after = from.epoch === undefined ? log.head : Math.max(log.trimmed, known ? from.offset! : 0)
    leg.told = after
    leg.epoch = log.epoch
    return { [topic]: { epoch: log.epoch, offset: log.head, after } }
  }

  function turnAway(connection: Connection, code: string, close: number, details: object = {}) {
    connection.send({ type: 'error', code, message: code, ...details })
    connection.close(close, code)
    legs.delete(connection)
  }

  function hello(connection: Connection, leg: ServedLeg, frame: ClientFrame) {
    if (drained) return turnAway(connection, 'draining', 1012)
    if (refusal === 'busy') return turnAway(connection, 'busy', 1013, { retryAfter: 1_000 })
    if (!deps.tokenValid(frame.token)) return turnAway(connection, 'unauthorized', 3000)
    const session = frame.session!
    if (frame.leg! <= (deps.newestLegs.get(session) ?? 0)) return turnAway(connection, 'superseded', 4001)
    deps.newestLegs.set(session, frame.leg!)
    leg.session = session
    leg.lossesAtWelcome = log.losses
    const wanted = frame.topics?.[topic]
    const topics = wanted ? subscribe(connection, leg, wanted) : {}
    const ttl = deps.tokenTtl(frame.token)
    connection.send({
      type: 'welcome',
      server: `${deps.name}#${lives}`,
      topics,
      heartbeat: deps.heartbeat,
      reconnectSpread: 1_000,
      ...(ttl === undefined ? {} : { tokenTtl: ttl }),
    })
    catchUp(connection, leg)
  }

  function answer(connection: Connection, leg: ServedLeg, frame: ClientFrame) {
    if (leg.session === null) {
      if (frame.type !== 'hello') return deps.broken(`${frame.type} before hello`)
      return hello(connection, leg, frame)
    }
    switch (frame.type) {
      case 'delayed':
        // A word to who paces a drain, and nothing that is answered.
        return
      case 'ping':
        return connection.send({ type: 'pong' })
      case 'subscribe': {
        const topics = subscribe(connection, leg, frame.topics![topic]!)
        connection.send({ type: 'subscribed', id: frame.id, topics })
        return catchUp(connection, leg)
      }
      case 'unsubscribe':
        leg.told = null
        return
      case 'publish': {
        const { id = '', n = 0, age, data } = frame
        const given = log.publish(
          { session: leg.session, id, n, data, ...(age === undefined ? {} : { age }) },
          leg.lossesAtWelcome,
        )
        return connection.send({ ...given, id })
      }
      case 'auth':
        if (!deps.tokenValid(frame.token)) return turnAway(connection, 'unauthorized', 3000)
        return connection.send({ type: 'authed', tokenTtl: deps.tokenTtl(frame.token) })
      default:
        return deps.broken(`a frame of type ${frame.type}`)
    }
  }

  return server
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
