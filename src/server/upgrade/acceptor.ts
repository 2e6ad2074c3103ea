import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Clock } from '../../base/clock.js'
import { SUBPROTOCOL } from '../../protocol/frames.js'
import type { Arrival } from '../arrival.js'
import { LegArrival, TurnedAway, type ArrivingLeg } from './leg-arrival.js'
import { network, type AddressOf } from './client-address.js'
import type { Failure } from '../failure.js'
import { helloBytes, maxPayload, maxPieces, type ServerLimits } from '../limits.js'
import type { OriginCheck } from './origin.js'
import { createPendingConnections, type PendingConnections, type PendingPlace } from './pending-connections.js'
import type { ServerEvent } from '../server-event.js'
import { asksForWebSocket, guard, refusalOf, refuse, refusedEvent, targetOf, type Refusal } from './upgrade.js'

export interface Connection {
  readonly ws: WebSocket
  readonly stream: Duplex
  readonly request: IncomingMessage
  /** The address that it comes from; empty if the connection was gone before the address could be read. */
  readonly address: string
}

/** Turns requests into WebSockets, up to the limits. */
export interface Acceptor {
  /**
   * Returns false, having done nothing, if the request is for another path or not for a WebSocket. Otherwise the
   * request is answered, perhaps with a refusal.
   */
  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): boolean
  close(): void
}

export interface AcceptorDeps {
  readonly path: string
  readonly limits: ServerLimits
  readonly clock: Clock
  readonly allows: OriginCheck
  readonly addressOf: AddressOf
}

export interface AcceptorHandlers {
  open(connection: Connection, arrival: Arrival): ArrivingLeg
  /** Why no connection may be accepted at present. Asked once for each that arrives. */
  closedFor(): Failure | null
  /** When there will be room for a connection that cannot be accepted now. */
  room(): { readonly retryAfter: number; readonly spread?: number }
  /**
   * Turns away one waiting `hello` of an address that has many, to make room for this address. False if no address has
   * to yield.
   */
  makeRoom(address: string): boolean
  onEvent(event: ServerEvent): void
}

/** The most connections at a time that were never welcomed and are being told why. */
const MAX_TURNED_AWAY = 1_000
const BUSY = 'This server has too many connections.'
const DISPLACED = 'Other clients came, and no whole hello had arrived.'
const TOO_MANY: Refusal = { status: 503, reason: 'too-many', message: 'Too many connections.' }

export function createAcceptor(deps: AcceptorDeps, handlers: AcceptorHandlers): Acceptor {
  return new WebSocketAcceptor(deps, handlers)
}

class WebSocketAcceptor implements Acceptor {
  readonly #deps: AcceptorDeps
  readonly #handlers: AcceptorHandlers
  readonly #sockets: WebSocketServer
  readonly #largestHello: number
  readonly #pending: PendingConnections
  readonly #turnedAway = new TurnedAway(MAX_TURNED_AWAY)
  /** The connections at present, in all and by address, without those that are being turned away. */
  #open = 0
  readonly #byAddress = new Map<string, number>()

  constructor(deps: AcceptorDeps, handlers: AcceptorHandlers) {
    const { limits, clock } = deps
    this.#deps = deps
    this.#handlers = handlers
    this.#largestHello = helloBytes(limits)
    this.#pending = createPendingConnections({ max: limits.maxPending, maxBytes: limits.maxPendingBytes, clock })
    this.#sockets = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: maxPayload(limits),
      maxFragments: limits.maxFragments,
      maxBufferedChunks: maxPieces(limits),
      handleProtocols: () => SUBPROTOCOL,
    })
    this.#sockets.on('wsClientError', (error, stream, request) => {
      this.#deny(request, stream, {
        status: request.method === 'GET' ? 400 : 405,
        reason: 'handshake',
        message: `${error.message}.`,
      })
    })
  }

  upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): boolean {
    guard(stream)
    const { path, allows } = this.#deps
    const target = targetOf(request)
    if (target.path !== path || !asksForWebSocket(request)) return false
    const refusal = refusalOf(request, target, allows)
    if (refusal) this.#deny(request, stream, refusal)
    else this.#arrive(request, stream, head)
    return true
  }

  close() {
    this.#sockets.close()
  }

  #deny(request: IncomingMessage, stream: Duplex, refusal: Refusal) {
    refuse(stream, refusal)
    this.#handlers.onEvent(refusedEvent(request, refusal, this.#deps.addressOf(request)))
  }

  #arrive(request: IncomingMessage, stream: Duplex, head: Buffer) {
    const caller = this.#deps.addressOf(request)
    const address = network(caller)
    let leg: ArrivingLeg | null = null
    const closed = this.#handlers.closedFor()
    const place = this.#full(address) || closed ? null : this.#enter(address, () => leg?.fail(this.#busy(DISPLACED)))
    // Browsers do not show the status of a refused upgrade to pages, so the connection is accepted in order to send the
    // error.
    if (!place && this.#turnedAway.full) return this.#deny(request, stream, TOO_MANY)
    this.#sockets.handleUpgrade(request, stream, head, (ws) => {
      this.#count(address, 1)
      const arrival = new LegArrival({
        address,
        stream,
        place,
        largestHello: this.#largestHello,
        turnedAway: this.#turnedAway,
        leave: () => this.#count(address, -1),
      })
      leg = arrival.begin(() => this.#handlers.open({ ws, stream, request, address: caller }, arrival))
      if (!place) leg.fail(closed ?? this.#busy(BUSY))
    })
    // The handshake failed.
    if (!leg) place?.leave()
  }

  #enter(address: string, displaced: () => void): PendingPlace | null {
    const place = this.#pending.enter(address, displaced)
    return place ?? (this.#handlers.makeRoom(address) ? this.#pending.enter(address, displaced) : null)
  }

  #full(address: string): boolean {
    const { maxConnections, maxPerAddress } = this.#deps.limits
    return this.#open >= maxConnections || (this.#byAddress.get(address) ?? 0) >= maxPerAddress
  }

  #busy(message: string): Failure {
    return { code: 'busy', message, ...this.#handlers.room() }
  }

  #count(address: string, change: 1 | -1) {
    this.#open += change
    const now = (this.#byAddress.get(address) ?? 0) + change
    if (now === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, now)
  }
}
