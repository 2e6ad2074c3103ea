import { systemClock } from '../base/clock.js'
import type { MethodSchemas } from '../protocol/method-types.js'
import { HISTORY } from '../protocol/own-methods.js'
import { createAdmission } from './admission/admission.js'
import { createGreeted } from './admission/greeted.js'
import type { CheckedOptions } from './checked-options.js'
import { createCounters, type Counters } from './counters.js'
import { createDrain } from './drain/drain.js'
import { DRAINING } from './failure.js'
import { createAuthenticator } from './identity/authenticator.js'
import { guardOwnTopics } from './identity/own-topics.js'
import { createPermission } from './identity/permission.js'
import { createTokenRenewal, pickOf } from './identity/token-renewal.js'
import { LegRoster } from './legs/leg-roster.js'
import { visibleTo, type Filter } from './filter.js'
import { createPatientClock } from './legs/patient-clock.js'
import type { ServerLeg } from './legs/leg-contract.js'
import { createServerLegs } from './legs/server-leg.js'
import { createSessionRates } from './legs/session-rates.js'
import { createWriteCoalescing } from './legs/write-coalescing.js'
import { memoryLog } from './log/memory-log.js'
import type { OrderNews } from './log/news.js'
import type { PresenceChange } from './log/topic-log.js'
import { createPresence, noPresence } from './presence/presence.js'
import { isOwnTopic } from '../protocol/own-topics.js'
import { createPublishThrottle } from './publishes/publish-throttle.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { createPublisher } from './publishes/publisher.js'
import { publisherOf } from './publishes/told-publisher.js'
import { reconnectSpread } from './reconnect-spread.js'
import { callOut } from './reporter.js'
import { createAnswerer } from './requests/answerer.js'
import { historyMethod } from './requests/history-method.js'
import type { ServerEvent } from './server-event.js'
import { createSignaller } from './signals/signaller.js'
import { createServerPublish } from './publishes/server-publish.js'
import type { ServerStats } from './stats.js'
import { Stopwatch } from './timings.js'
import { tracedAnswerer, tracedPublisher } from './traced.js'
import { createTopicFeeds } from './topics/topic-feeds.js'
import { createAcceptor } from './upgrade/acceptor.js'

type Tell = (event: ServerEvent) => void

/** Creates the parts of one server and connects them. */
export function createServerParts<User>(checked: CheckedOptions<User>, isClosing: () => boolean) {
  const { given, path, limits, clock, allows, addressOf, onError } = checked
  const tell: Tell = (event) =>
    callOut(
      () => given.onEvent?.(event),
      (error) => onError(error, 'telling of an event'),
    )
  const counters = createCounters()
  const stopwatch = new Stopwatch(clock)
  const roster = new LegRoster<User>()
  const greeting = createGreeting(checked, () => void counters.wasted++)
  // Options that can be refused are read before anything starts that would have to be stopped again.
  const by = publisherOf(given.tellPublisher, onError)
  const spread = reconnectSpread(given.reconnectSpread, () => greeting.greeted.bestSecond)
  const traffic = createTraffic(checked, { counters, stopwatch, by, obey: (order) => obey(order) })
  const drain = createDrain({
    clock,
    legs: () => roster.legs as Set<ServerLeg<unknown>>,
    refusePending: () => roster.failPending(DRAINING),
    tracing: checked.tracing,
    asked: () => void counters.asked++,
    handedOver: (duration) => stopwatch.handover.add(duration),
    onEvent: tell,
    onError,
  })
  const newLeg = createLegs(checked, { ...traffic, ...greeting, counters, stopwatch, roster, drain, spread, tell })
  const acceptor = createAcceptor(
    { path, limits, clock, allows, addressOf },
    {
      open(connection, arrival) {
        counters.opened++
        const leg = newLeg(connection, arrival)
        roster.add(leg)
        return leg
      },
      closedFor() {
        if (!drain.refusing && !isClosing()) return null
        drain.cameBack()
        return DRAINING
      },
      room: () => greeting.admission.room(),
      makeRoom: (address) => greeting.admission.makeRoom(address),
      onEvent: tell,
    },
  )

  const tokens = createTokenRenewal<User>({
    roster,
    clock,
    patience: limits.helloTimeout,
    onError,
  })

  /** Carries out what another server says about sessions, some of which may be here. */
  function obey(order: OrderNews) {
    if (order.type === 'end') roster.end(pickOf<User>('end', order.match), order.reason)
    else if (order.type === 'renew') tokens.renew(order.match, { within: order.within })
    else if (order.type === 'offer') tokens.give(order.match, order)
  }

  /** Changes to sessions that did not come from a leg of this server. */
  function present(change: PresenceChange): boolean {
    if (change.type === 'left') traffic.presence?.left(change.session)
    if (!given.onSession) return change.type === 'left'
    const owner = change.type === 'joined' ? roster.ownerOf(change.session) : null
    if (owner === undefined) return false
    callOut(
      () =>
        given.onSession!(
          change.type === 'left' ? change : { type: 'joined', session: change.session, user: owner!.user },
        ),
      (error) => onError(error, 'telling of a session'),
    )
    return true
  }

  function stats(): ServerStats {
    const status = traffic.log.status?.()
    return {
      ...counters,
      failed: { ...counters.failed },
      id: checked.id,
      connections: roster.connections.size,
      legs: roster.legs.size,
      topics: traffic.feeds.size,
      slowed: traffic.throttle.slowed(),
      admission: { greeted: greeting.greeted.lastSecond, ...greeting.admission.stats },
      timings: stopwatch.timings,
      ...(traffic.log.size && { log: traffic.log.size() }),
      draining: drain.refusing,
      logAway: status?.ready === false ? status.reason : null,
    }
  }

  return {
    log: traffic.log,
    presence: traffic.presence,
    publish: traffic.publishOwn,
    tokens,
    tellOthers: async (order: OrderNews) => traffic.news?.tell(order),
    roster,
    drain,
    acceptor,
    tell,
    present,
    stats,
    signal: traffic.signals.signal,
    close() {
      traffic.news?.leave()
      greeting.admission.close()
      traffic.presence?.close()
      traffic.feeds.close()
      acceptor.close()
    },
  }
}

/** What comes in and goes out on legs of whichever user: messages, publishes, requests and signals. */
function createTraffic<User>(
  { given, limits, clock, tracing, onError }: CheckedOptions<User>,
  {
    counters,
    stopwatch,
    by,
    obey,
  }: {
    readonly counters: Counters
    readonly stopwatch: Stopwatch
    by(user: User): unknown
    obey(order: OrderNews): void
  },
) {
  const log = given.log ?? memoryLog({ clock })
  const times = stopwatch.delivery
  const delivered = (topic: string, offset: number) => times.delivered(topic, offset)
  const feeds = createTopicFeeds({ log, clock, max: limits.maxTopicsRead, delivered, onError })
  // The throttle measures the process itself, so it uses the system's clock whatever clock the server was given.
  const throttle = createPublishThrottle(systemClock, feeds.behind)
  const permission = guardOwnTopics(
    createPermission(given.authorize, { ...limits, clock, onError }),
    given.presence !== undefined,
  )
  const presence =
    given.presence && createPresence<User>({ log, presence: given.presence, permission, limits, clock, onError })
  const news = log.news?.((told) => (told.type === 'signal' ? signals.heard(told) : obey(told)))
  const signals = createSignaller<User>({
    feeds,
    news,
    by,
    maxFrame: limits.maxFrame,
    sent: () => void counters.signalled++,
    onError,
  })
  const publish = createPublisher<User>({
    log,
    throttle,
    times,
    permission,
    clock,
    patience: limits.publishTimeout,
    by,
    schemas: new Map(Object.entries(given.schemas ?? {}) as [string, StandardSchemaV1][]),
    onPublish: given.onPublish,
    onError,
  })
  // Messages that the server itself publishes (presence) are for everyone who may subscribe.
  const filter: Filter<User> | undefined = given.filter && ((ask) => isOwnTopic(ask.topic) || given.filter!(ask))
  const sees = visibleTo(filter, onError)
  const answer = createAnswerer<User>({
    handlers: [
      { [HISTORY]: historyMethod<User>({ log, permission, sees }), ...(presence?.methods ?? noPresence<User>()) },
      given.onRequest ?? {},
    ],
    schemas: (given.methods ?? {}) as MethodSchemas,
    clock,
    patience: limits.requestTimeout,
    onError,
  })
  return {
    log,
    feeds,
    throttle,
    permission,
    presence,
    filter,
    publish: tracedPublisher(publish, tracing),
    publishOwn: createServerPublish({ log, throttle, times, clock, maxFrame: limits.maxFrame }),
    answer: tracedAnswerer(answer, tracing),
    signals,
    news,
  }
}

/** Who is let in, and how many at a time. */
function createGreeting<User>({ given, limits, clock, onError }: CheckedOptions<User>, wasted: () => void) {
  const patient = createPatientClock(clock)
  const authenticator = createAuthenticator<User>({
    authenticate: given.authenticate,
    clock: patient,
    patience: limits.helloTimeout,
    wasted,
    room: () => admission.wake(),
    onError,
  })
  const admission = createAdmission({
    clock,
    most: limits.maxAuthenticating,
    queueTimeout: limits.queueTimeout,
    patience: limits.helloTimeout,
    abandoned: () => authenticator.abandoned,
  })
  const greeted = createGreeted(
    () => clock.monotonic(),
    () => admission.stats.perSecond,
  )
  return { patient, authenticator, admission, greeted }
}

function createLegs<User>(
  { given, id, heartbeat, limits, clock, onError }: CheckedOptions<User>,
  parts: ReturnType<typeof createTraffic<User>> &
    ReturnType<typeof createGreeting<User>> & {
      readonly counters: ReturnType<typeof createCounters>
      readonly stopwatch: Stopwatch
      readonly roster: LegRoster<User>
      readonly drain: ReturnType<typeof createDrain>
      readonly spread: ReturnType<typeof reconnectSpread>
      readonly tell: Tell
    },
) {
  const { roster, drain, greeted, patient, spread, tell, ...others } = parts
  return createServerLegs<User>({
    ...others,
    writes: createWriteCoalescing(systemClock),
    id,
    heartbeat,
    limits,
    rates: createSessionRates(limits, clock),
    clock: patient,
    onSession: given.onSession,
    reconnectSpread: () => spread(roster.clients),
    arrived: () => roster.arrived(),
    welcomed(leg) {
      greeted.add()
      roster.welcomed(leg)
    },
    delayed: (leg, retryAfter) => drain.delayed(leg as ServerLeg<unknown>, retryAfter),
    gone(leg) {
      if (roster.remove(leg)) drain.gone(leg as ServerLeg<unknown>)
    },
    releasing: (done) => roster.release(done),
    onEvent: tell,
    onError,
  })
}
