import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Clock } from '../../base/clock.js'
import { SUBPROTOCOL } from '../../protocol/frames.js'
import type { AddressOf } from './client-address.js'
import type { Failure } from '../failure.js'
import { helloBytes, LEAST_SEGMENT, maxPayload, maxPieces, type ServerLimits } from '../limits.js'
import type { OriginCheck } from './origin.js'
import { createPendingConnections, type PendingPlace } from './pending-connections.js'
import type { ServerEvent } from '../server-event.js'
import { asksForWebSocket, guard, refusalOf, refuse, refusedEvent, targetOf, type Refusal } from './upgrade.js'

export interface Connection {
  readonly ws: WebSocket
  readonly stream: Duplex
  readonly request: IncomingMessage
}

/** What a leg tells of its beginning and end, each at most once. */
export interface Arrival {
  /** Its hello has come. */
  said(): void
  welcomed(): void
  /** It is being closed. */
  ending(): void
  gone(): void
}

/** What is done with a leg that may not stay. */
export interface ArrivingLeg {
  fail(failure: Failure): void
  terminate(): void
}

/** Turns requests into WebSockets, as many as may be. */
export interface Acceptor {
  /**
   * False, and nothing done, where the request is for another path or for no WebSocket; else it is answered, for good
   * or ill.
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
  /** Why nobody may come in now. Asked once for each that comes. */
  closedFor(): Failure | null
  /** When there is room for one that cannot be taken now. */
  room(): { readonly retryAfter: number; readonly spread?: number }
  onEvent(event: ServerEvent): void
}

/**
 * Connections that were never welcomed and are being told why, at a time; beyond, they are cut off with what was sent.
 */
const MAX_TURNED_AWAY = 1_000
/** What one of them may still say, and no more: its close frame, and what was on its way. */
const LAST_WORDS = 1_024
/** Pieces of a hello that may be as small as they like. */
const FEW = 16
const BUSY = 'This server has too many connections.'
const DISPLACED = 'Others came, and no whole hello had.'
const TOO_MANY: Refusal = { status: 503, reason: 'too-many', message: 'Too many connections.' }

export function createAcceptor(
  { path, limits, clock, allows, addressOf }: AcceptorDeps,
  handlers: AcceptorHandlers,
): Acceptor {
  const pending = createPendingConnections({ max: limits.maxPending, maxBytes: limits.maxPendingBytes, clock })
  const largestHello = helloBytes(limits)
  const byAddress = new Map<string, number>()
  let open = 0
  let turnedAway = 0

  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: maxPayload(limits),
    maxFragments: limits.maxFragments,
    maxBufferedChunks: maxPieces(limits),
    handleProtocols: () => SUBPROTOCOL,
  })
  sockets.on('wsClientError', (error, stream, request) => {
    deny(request, stream, {
      status: request.method === 'GET' ? 400 : 405,
      reason: 'handshake',
      message: `${error.message}.`,
    })
  })

  function deny(request: IncomingMessage, stream: Duplex, refusal: Refusal) {
    refuse(stream, refusal)
    handlers.onEvent(refusedEvent(request, refusal))
  }

  function upgrade(request: IncomingMessage, stream: Duplex, head: Buffer): boolean {
    guard(stream)
    const target = targetOf(request)
    if (target.path !== path || !asksForWebSocket(request)) return false
    const refusal = refusalOf(request, target, allows)
    if (refusal) deny(request, stream, refusal)
    else arrive(request, stream, head)
    return true
  }

  function arrive(request: IncomingMessage, stream: Duplex, head: Buffer) {
    const address = addressOf(request)
    let leg: ArrivingLeg | null = null
    const full = open >= limits.maxConnections || (byAddress.get(address) ?? 0) >= limits.maxPerAddress
    const closed = handlers.closedFor()
    const place = full || closed ? null : pending.enter(address, () => leg?.fail(busy(DISPLACED)))
    // Browsers cannot see the status of a refused upgrade: they are let in to be told.
    if (!place && turnedAway >= MAX_TURNED_AWAY) return deny(request, stream, TOO_MANY)
    sockets.handleUpgrade(request, stream, head, (ws) => {
      count(address, 1)
      leg = seat({ ws, stream, request }, place, () => count(address, -1))
      if (!place) leg.fail(closed ?? busy(BUSY))
    })
    // No handshake that one could answer.
    if (!leg) place?.leave()
  }

  function busy(message: string): Failure {
    return { code: 'busy', message, ...handlers.room() }
  }

  /** Follows a leg until it is welcomed or gone. */
  function seat(connection: Connection, place: PendingPlace | null, leave: () => void): ArrivingLeg {
    const { stream } = connection
    let state: 'silent' | 'said' | 'welcomed' | 'ending' = 'silent'
    /** Of what it has begun to say and not finished: half a hello costs memory, and says nothing of who sends it. */
    let bytes = 0
    let pieces = 0
    stream.on('data', hear)

    function hear(piece: Buffer) {
      bytes += piece.length
      pieces++
      place?.hold(piece.length)
      if (state === 'ending') cutOff()
      else if (pieces > FEW && bytes < pieces * LEAST_SEGMENT) crumbled()
      else if (bytes > largestHello)
        leg.fail({ code: 'too-large', message: `A hello must have at most ${largestHello} bytes.` })
    }

    /** No path cuts a frame so small: somebody makes the server wake up for each byte. */
    function crumbled() {
      leg.fail({ code: 'protocol', message: 'A hello must not come in crumbs.' })
      leg.terminate()
    }

    /** What was sent to it is on its way; more of it is not listened to. */
    function cutOff() {
      if (turnedAway > MAX_TURNED_AWAY || bytes > LAST_WORDS) leg.terminate()
    }

    function listenNoMore() {
      stream.off('data', hear)
      bytes = 0
    }

    const leg = handlers.open(connection, {
      said() {
        state = 'said'
        listenNoMore()
        place?.said()
      },
      welcomed() {
        state = 'welcomed'
        place?.leave()
      },
      ending() {
        place?.leave()
        if (state === 'welcomed') return
        // It keeps nobody else out: those who are turned away have a bound of their own.
        leave()
        if (state === 'said') stream.on('data', hear)
        // What it has said was a whole frame, if a bad one: it is told why.
        bytes = 0
        state = 'ending'
        turnedAway++
        queueMicrotask(cutOff)
      },
      gone() {
        listenNoMore()
        place?.leave()
        if (state === 'ending') turnedAway--
        else leave()
      },
    })
    return leg
  }

  function count(address: string, change: 1 | -1) {
    open += change
    const now = (byAddress.get(address) ?? 0) + change
    if (now === 0) byAddress.delete(address)
    else byAddress.set(address, now)
  }

  return {
    upgrade,
    close: () => sockets.close(),
  }
}
