import { platformClock, type Clock } from '../base/clock.js'
import { LiveSocketError } from '../base/errors.js'
import type { LiveSocketEvents } from '../handover/events.js'
import type { LiveConnection } from '../socket/live-connection.js'
import type { LiveSocketStats } from '../socket/stats.js'
import type { LiveSocketState } from '../socket/store.js'
import { createArrivalCount, type Arrival } from './arrival-count.js'
import type { BreakableWebSocket, Connection } from './breakable.js'
import { EVENT_TYPES } from './event-types.js'
import { createLegHistory, type RecordedLeg } from './leg-history.js'
import { redacted, redactedAll } from './redact.js'
import { createRing } from './ring.js'
import { createTraffic, type Traffic } from './traffic.js'

export type { Arrival } from './arrival-count.js'

/** Options of a recorder. */
export interface RecorderOptions {
  /** The clock that the live socket was given, if it was given one. Default: the system's. */
  readonly clock?: Clock
  /** The class that the live socket dials with, if it is a breakable one. */
  readonly wire?: BreakableWebSocket
  /** How many events are kept, the newest. Default 2,000. */
  readonly limit?: number
}

/** Something that happened. `at` is milliseconds since the recording began. */
export interface RecordedEvent {
  readonly at: number
  readonly type: keyof LiveSocketEvents | 'status'
  readonly detail: Readonly<Record<string, string | number | boolean | null>>
}

/** What is exported. It has no data of a message, no token, and no query of a URL. */
export interface Recording {
  readonly format: 'livesocket-recording-1'
  /** When the recording began, wall-clock ms. `took` is its length in ms. */
  readonly began: number
  readonly took: number
  /** How many events were dropped because of the limit. */
  readonly dropped: number
  readonly state: LiveSocketState
  readonly stats: LiveSocketStats
  readonly legs: readonly RecordedLeg[]
  readonly events: readonly RecordedEvent[]
  readonly arrivals: readonly Arrival[]
}

/** Keeps, within bounds, what a live socket did, for a panel or a report. */
export interface Recorder {
  /** Milliseconds since the recording began. */
  now(): number
  readonly legs: readonly RecordedLeg[]
  readonly events: readonly RecordedEvent[]
  readonly arrivals: readonly Arrival[]
  /** Requests, signals and members, if the WebSocket class is breakable. */
  readonly traffic: Pick<Traffic, 'requests' | 'signals' | 'members'>
  /** The physical connection of that leg, if the WebSocket class is breakable. */
  connection(leg: number): Connection | undefined
  recording(): Recording
  clear(): void
  stop(): void
}

/**
 * Records what a live socket does, within bounds. It reads only public state, and changes nothing. Throws a
 * `LiveSocketError` `invalid` if the limit is no whole number from 1.
 */
export function createRecorder(
  socket: LiveConnection,
  { clock = platformClock, wire, limit = 2_000 }: RecorderOptions = {},
): Recorder {
  const start = clock.monotonic()
  const began = clock.now()
  const now = () => clock.monotonic() - start
  const history = createLegHistory()
  if (!Number.isInteger(limit) || limit < 1)
    throw new LiveSocketError('invalid', 'limit must be a whole number from 1.')
  const events = createRing<RecordedEvent>(limit)
  const counting = createArrivalCount(socket, history, clock, now)
  const legOf = new Map<Connection, number>()
  let justOpened: Connection | undefined

  function note(type: RecordedEvent['type'], given: object) {
    events.push({ at: now(), type, detail: detailOf(given) })
  }

  const stopListening = EVENT_TYPES.map((type) =>
    socket.on(type, (event) => {
      const at = now()
      if (type === 'leg-dialling') history.dialling((event as LiveSocketEvents['leg-dialling']).leg, at)
      if (type === 'leg-open') {
        const { leg, url } = event as LiveSocketEvents['leg-open']
        history.opened(leg, url, at)
        if (justOpened) legOf.set(justOpened, leg)
        justOpened = undefined
      }
      if (type === 'leg-ready') {
        const { leg, server, url } = event as LiveSocketEvents['leg-ready']
        history.ready(leg, server, url, at)
      }
      if (type === 'leg-closed') {
        const { leg, code, by } = event as LiveSocketEvents['leg-closed']
        history.closed(leg, code, by, at)
      }
      note(type, event)
    }),
  )

  const stopStore = socket.store.subscribe((state, previous) => {
    if (state.leg !== previous.leg) history.serving(state.leg?.number ?? null, now())
    if (state.status !== previous.status)
      note('status', { status: state.status, ...(state.closed ? { closed: state.closed.by } : null) })
    if (state.lastError && state.lastError !== previous.lastError)
      note('status', { status: state.status, code: state.lastError.code, message: state.lastError.message })
  })

  const traffic = createTraffic()
  const stopWire = wire?.listen(({ type, connection, data }) => {
    if (type === 'outgoing') return traffic.outgoing(data, connection)
    if (type === 'message') traffic.came(data)
    counting.count()
    if (type === 'open') justOpened = connection
    if (type === 'close') {
      legOf.delete(connection)
      traffic.closed(connection)
    }
    const leg = legOf.get(connection)
    if (type === 'message' && leg !== undefined) counting.frame(leg)
  })

  // The socket was connected before the recording began.
  const { leg, status } = socket.store.getState()
  if (leg) {
    history.dialling(leg.number, 0)
    history.ready(leg.number, leg.server, leg.url, 0)
    history.serving(leg.number, 0)
    const connection = wire?.connections.findLast(({ state }) => state === 'open')
    if (connection) legOf.set(connection, leg.number)
  }
  note('status', { status })

  return {
    now,
    get legs() {
      return history.legs
    },
    get events() {
      return events.items()
    },
    get arrivals() {
      return counting.arrivals.items()
    },
    traffic,
    connection: (number) => [...legOf].findLast(([, leg]) => leg === number)?.[0],
    recording() {
      counting.count()
      return {
        format: 'livesocket-recording-1',
        began,
        took: now(),
        dropped: events.dropped,
        state: redactedAll(socket.store.getState()),
        stats: socket.stats(),
        legs: redactedAll(history.legs),
        events: events.items(),
        arrivals: counting.arrivals.items(),
      }
    },
    clear() {
      events.clear()
      counting.arrivals.clear()
      history.clear()
    },
    stop() {
      counting.stop()
      stopWire?.()
      stopStore()
      for (const stop of stopListening) stop()
    },
  }
}

/**
 * The event as a flat object without what looks like a credential. Of an error it has the message only if LiveSocket
 * wrote it, otherwise just the error's name.
 */
function detailOf(event: object): RecordedEvent['detail'] {
  const detail: Record<string, string | number | boolean | null> = {}
  for (const [name, value] of Object.entries(event)) {
    if (value instanceof LiveSocketError) Object.assign(detail, { code: value.code, [name]: redacted(value.message) })
    else if (typeof value === 'string') detail[name] = redacted(value)
    else if (typeof value === 'number' || typeof value === 'boolean' || value === null) detail[name] = value
    else if (value !== undefined) detail[name] = value instanceof Error ? value.name : typeof value
  }
  return detail
}
