import type { Arrival } from '../arrival.js'
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../../base/clock.js'
import type { Admission, Admitted } from '../admission/admission.js'
import type { Counters } from '../counters.js'
import type { Deadlines } from './deadlines.js'
import type { Authenticator, Identification } from '../identity/authenticator.js'
import type { FreshToken } from '../identity/fresh-token.js'
import type { Permission } from '../identity/permission.js'
import type { TokenLife } from '../identity/token-life.js'
import type { ServerLimits } from '../limits.js'
import type { Stopwatch } from '../timings.js'
import type { TopicLog } from '../log/topic-log.js'
import type { Presence } from '../presence/presence.js'
import type { Publisher } from '../publishes/publisher.js'
import type { Answerer } from '../requests/answerer.js'
import type { LegRequests } from '../requests/leg-requests.js'
import type { Signaller } from '../signals/signaller.js'
import type { LegName, ServerEvent } from '../server-event.js'
import type { TopicFeeds } from '../topics/topic-feeds.js'
import type { LegOwner, ServerLeg } from './leg-contract.js'
import type { LegFlight } from './leg-flight.js'
import type { Filter } from '../filter.js'
import type { LegSocket } from './leg-socket.js'
import type { LegTopics } from './leg-topics.js'
import type { OnSession } from '../session-event.js'
import type { SessionRate, SessionRates } from './session-rates.js'
import { WorkQueue } from './work-queue.js'
import type { WriteCoalescing } from './write-coalescing.js'

/** What all legs of a server share. */
export interface LegDeps<User> {
  readonly filter: Filter<User> | undefined
  readonly onSession: OnSession<User> | undefined
  readonly authenticator: Authenticator<User>
  readonly admission: Admission
  readonly permission: Permission<User>
  readonly id: string
  readonly heartbeat: number
  readonly limits: ServerLimits
  readonly log: TopicLog
  readonly feeds: TopicFeeds
  readonly rates: SessionRates
  readonly publish: Publisher<User>
  readonly presence: Pick<Presence<User>, 'lost'> | undefined
  readonly answer: Answerer<User>
  readonly signals: Signaller<User>
  readonly counters: Counters
  readonly stopwatch: Stopwatch
  readonly clock: Clock
  readonly writes: WriteCoalescing
  reconnectSpread(): number | undefined
  /** A leg has said hello; it is welcomed; it is gone; it is gone, and the log is being told so. */
  arrived(): void
  welcomed(leg: ServerLeg<User>): void
  gone(leg: ServerLeg<User>): void
  /** The server to which it is asked to hand over has no room for it, for so many milliseconds. */
  delayed(leg: ServerLeg<User>, retryAfter: number): void
  releasing(done: Promise<void>): void
  onEvent(event: ServerEvent): void
  onError(error: unknown, doing: string): void
}

/**
 * Who a leg is and how it stands: all that changes of it. Its hello is taken in `leg-greeting`, what it asks for
 * afterwards in `leg-serving`, and it ends in `leg-end`.
 */
export interface LegState<User> extends ServerLeg<User> {
  readonly deps: LegDeps<User> & LegTimes<User>
  readonly request: IncomingMessage
  /** Where it comes from; empty where that is not known. */
  readonly address: string
  readonly arrival: Arrival
  readonly socket: LegSocket
  readonly topics: LegTopics<User>
  readonly flight: LegFlight
  readonly life: TokenLife
  phase: 'opened' | 'greeting' | 'live' | 'ending' | 'gone'
  /** What its hello said, for events; undefined until then. */
  session: string | undefined
  number: number | undefined
  who: LegOwner<User> | null
  /** Who it is is being asked. */
  asking: Identification<User> | null
  /** From when it is greeted until it is known whose it is: those who want to hear of that. */
  learning: ((who: LegOwner<User>) => void)[] | null
  /** From its hello to its welcome: its place among those who are greeted, or wait for that. */
  place: Admitted | null
  /** Milliseconds on the clock: when its socket opened, and when it was welcomed; 0 before. */
  readonly openedAt: number
  welcomedAt: number
  /** From its welcome on. */
  rate: SessionRate | null
  saidOverRate: boolean
  /** Whether it has published since it was last probed, and when that was. */
  published: boolean
  probedAt: number
  /** Each from when it is first needed: what waits, its requests, a token that came later. */
  queue: WorkQueue | null
  requests: LegRequests<User> | null
  fresh: FreshToken | null
}

/** For how long a leg may take, whoever is to blame. */
export interface LegTimes<User> {
  /**
   * From the opening to the hello, and from when it is greeted until the log has said its part: `limits.helloTimeout`.
   */
  readonly hellos: Deadlines<LegState<User>>
}

/** Read through a function, because an `await` may have changed it. */
export function isEnded<User>({ phase }: LegState<User>): boolean {
  return phase === 'ending' || phase === 'gone'
}

export function queueOf<User>(leg: LegState<User>): WorkQueue {
  const { socket, deps } = leg
  leg.queue ??= new WorkQueue(deps.limits.maxQueued, deps.limits.maxQueuedBytes, {
    full: () => socket.pause(),
    room: () => socket.resume(),
    failed: (error) => deps.onError(error, 'serving a leg'),
  })
  return leg.queue
}

/** Which leg an event is about, as far as that is known. */
export function nameOf<User>({ session, number, who, address }: LegState<User>): LegName {
  return {
    ...(session === undefined ? undefined : { session, leg: number! }),
    ...(who?.subject === undefined ? undefined : { subject: who.subject }),
    ...(address === '' ? undefined : { address }),
  }
}
