import type { Arrival } from '../arrival.js'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { decodeClientFrame } from '../../protocol/client-frame-decoder.js'
import type { ServerFrame } from '../../protocol/frames.js'
import type { Admitted } from '../admission/admission.js'
import { createDeadlines } from './deadlines.js'
import { UNTOLD, type Failure } from '../failure.js'
import type { Identification } from '../identity/authenticator.js'
import type { FreshToken } from '../identity/fresh-token.js'
import { TokenLife } from '../identity/token-life.js'
import { maxPayload, type ServerLimits } from '../limits.js'
import type { LegRequests } from '../requests/leg-requests.js'
import { dropSlow, fail, leave, type Answers } from './leg-end.js'
import { LegFlight } from './leg-flight.js'
import { arrive, tooLate } from './leg-greeting.js'
import { pong, probe, serve } from './leg-serving.js'
import { LegSink } from './leg-sink.js'
import { LegSocket, type LegSocketOwner } from './leg-socket.js'
import type { LegOwner, ServerLeg } from './leg-contract.js'
import { isEnded, type LegDeps, type LegState } from './leg-state.js'
import { LegTopics } from './leg-topics.js'
import type { SessionRate } from './session-rates.js'
import type { WorkQueue } from './work-queue.js'

export type { LegDeps } from './leg-state.js'

export interface LegConnection {
  readonly ws: WebSocket
  readonly stream: Duplex
  readonly request: IncomingMessage
  readonly address: string
}

/** Creates the legs of one server. */
export function createServerLegs<User>(deps: LegDeps<User>) {
  const hellos = createDeadlines<LegState<User>>(deps.clock, deps.limits.helloTimeout, tooLate)
  const all = { ...deps, hellos, window: deps.limits.maxBuffered, maxTopics: deps.limits.maxTopics }
  return (connection: LegConnection, arrival: Arrival): ServerLeg<User> => {
    const leg = new WebSocketLeg<User>(all, connection, arrival)
    hellos.set(leg)
    return leg
  }
}

type AllDeps<User> = LegState<User>['deps'] & { readonly window: number; readonly maxTopics: number }

/** Receives the events and calls of one leg. What happens then is in the files beside this one. */
class WebSocketLeg<User> implements LegState<User>, LegSocketOwner {
  readonly deps: AllDeps<User>
  readonly request: IncomingMessage
  readonly address: string
  readonly arrival: Arrival
  readonly socket: LegSocket
  readonly topics: LegTopics<User>
  readonly flight: LegFlight
  readonly life = new TokenLife()
  phase: LegState<User>['phase'] = 'opened'
  session: string | undefined = undefined
  number: number | undefined = undefined
  who: LegOwner<User> | null = null
  asking: Identification<User> | null = null
  learning: LegState<User>['learning'] = null
  place: Admitted | null = null
  readonly openedAt: number
  welcomedAt = 0
  rate: SessionRate | null = null
  saidOverRate = false
  published = false
  probedAt: number
  queue: WorkQueue | null = null
  requests: LegRequests<User> | null = null
  fresh: FreshToken | null = null

  constructor(deps: AllDeps<User>, { ws, stream, request, address }: LegConnection, arrival: Arrival) {
    this.deps = deps
    this.request = request
    this.address = address
    this.openedAt = deps.clock.monotonic()
    this.arrival = arrival
    this.socket = new LegSocket(ws, stream, deps, this)
    this.topics = new LegTopics<User>(deps, new LegSink<User>(deps, this.socket, this))
    this.flight = new LegFlight(deps.clock)
    this.probedAt = this.socket.sentAt
  }

  text(text: string): void {
    if (isEnded(this)) return
    const { limits } = this.deps
    const frame = decodeClientFrame(text, maxPayload(limits))
    const said = frame && 'type' in frame ? frame : null
    // A `hello` or `auth` is as large as its token and topics make it, however small other frames have to be.
    if (said?.type !== 'hello' && said?.type !== 'auth' && isLarge(text, limits)) {
      const id = said?.type === 'publish' || said?.type === 'request' ? { id: said.id } : undefined
      const message = `Frames must have at most ${limits.maxFrame} bytes.`
      return this.fail({ code: 'too-large', message, ...id }, 'all')
    }
    if (!frame) return
    if ('invalid' in frame) return this.fail({ code: 'protocol', message: frame.invalid }, 'all')
    if (this.phase === 'live') return serve(this, frame, text.length)
    if (this.phase === 'greeting')
      return this.fail({ code: 'protocol', message: 'No frame may come between the hello and the welcome.' })
    if (frame.type !== 'hello') return this.fail({ code: 'protocol', message: 'The first frame must be a hello.' })
    arrive(this, frame)
  }

  binary(): void {
    this.fail({ code: 'protocol', message: 'Frames must be text.' })
  }

  asked(mark: string): void {
    this.flight.asked(mark)
  }

  answered(mark: string): void {
    this.flight.answered(mark)
  }

  gone(): void {
    leave(this)
  }

  fail(failure: Failure, answers?: Answers): void {
    fail(this, failure, answers)
  }

  send(frame: ServerFrame): void {
    // A leg that is being closed is sent nothing but the reason.
    if (this.phase === 'live') this.socket.send(frame)
  }

  whenKnown(then: (who: LegOwner<User>) => void): void {
    this.learning?.push(then)
  }

  renewToken(within: number): boolean {
    if (isEnded(this) || !this.who?.token) return false
    if (!this.life.cutShort(this.deps.clock.monotonic(), within)) return false
    // A leg that is not welcomed yet learns it from its welcome.
    if (this.phase === 'live') this.socket.send({ type: 'authed', tokenTtl: within })
    return true
  }

  checkSilence(now: number, { quiet, dead }: { readonly quiet: number; readonly dead: number }): void {
    if (this.phase !== 'live') return
    const { socket, deps, fresh } = this
    // A leg that sent a fresh token in time is not to blame if the token could not be checked.
    if (this.life.over(now, deps.limits.tokenGrace))
      return this.fail(fresh?.unchecked ? UNTOLD : { code: 'unauthorized', message: 'The token has expired.' })
    // A client need not send anything while it waits for the welcome.
    const silent = now - Math.max(socket.heardAt, this.welcomedAt)
    if (silent >= dead && !socket.paused()) return socket.terminate()
    if (dead < Infinity && socket.stalled(now, deps.limits.stallTimeout)) return dropSlow(this)
    if (silent >= quiet || (this.published && now - this.probedAt >= quiet)) probe(this)
    if (now - socket.sentAt >= quiet) pong(this)
  }

  terminate(): void {
    this.socket.terminate()
  }
}

/** Every character takes at least one byte, and at most three, so most frames need not be measured. */
function isLarge(text: string, { maxFrame }: ServerLimits): boolean {
  return text.length > maxFrame || (text.length * 3 > maxFrame && Buffer.byteLength(text) > maxFrame)
}
