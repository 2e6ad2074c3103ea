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
  /**
   * Told when a leg has sent its `hello`, when it was welcomed, and when it is gone. `releasing` gets the call that
   * tells the log so.
   */
  arrived(): void
  welcomed(leg: ServerLeg<User>): void
  gone(leg: ServerLeg<User>): void
  /** The server that the leg was asked to hand over to has no room for it, for that many milliseconds. */
  delayed(leg: ServerLeg<User>, retryAfter: number): void
  releasing(done: Promise<void>): void
  onEvent(event: ServerEvent): void
  onError(error: unknown, doing: string): void
}

/**
 * The identity and the state of a leg: everything about it that changes. Its `hello` is handled in `leg-greeting`,
 * later frames in `leg-serving`, and its end in `leg-end`.
 */
export interface LegState<User> extends ServerLeg<User> {
  readonly deps: LegDeps<User> & LegTimes<User>
  readonly request: IncomingMessage
  /** The address that it comes from; empty if unknown. */
  readonly address: string
  readonly arrival: Arrival
  readonly socket: LegSocket
  readonly topics: LegTopics<User>
  readonly flight: LegFlight
  readonly life: TokenLife
  phase: 'opened' | 'greeting' | 'live' | 'ending' | 'gone'
  /** The session and leg number that its `hello` named, for events; undefined until then. */
  session: string | undefined
  number: number | undefined
  who: LegOwner<User> | null
  /** The call of `authenticate` that is under way for its `hello`. */
  asking: Identification<User> | null
  /** From the start of its greeting until its owner is known: callbacks for when it is. */
  learning: ((who: LegOwner<User>) => void)[] | null
  /** From its `hello` to its welcome: its place among the hellos that are greeted, or wait. */
  place: Admitted | null
  /** In milliseconds on the clock: when its socket opened, and when it was welcomed; 0 before. */
  readonly openedAt: number
  welcomedAt: number
  /** Set from its welcome on. */
  rate: SessionRate | null
  saidOverRate: boolean
  /** Whether it has published since the last ping, and when that ping was sent. */
  published: boolean
  probedAt: number
  /** Each is created when it is first needed: the work that waits, its requests, a later token. */
  queue: WorkQueue | null
  requests: LegRequests<User> | null
  fresh: FreshToken | null
}

/** The time limits of legs. */
export interface LegTimes<User> {
  /**
   * From the opening to the `hello`, and from the start of the greeting until the log has answered:
   * `limits.helloTimeout`.
   */
  readonly hellos: Deadlines<LegState<User>>
}

/** Read through a function, because the phase may have changed during an `await`. */
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
