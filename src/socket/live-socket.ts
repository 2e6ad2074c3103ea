import { explain } from '../base/explanation.js'
import { nanoid } from 'nanoid'
import { Present } from '../base/clock.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { createEmitter } from '../base/emitter.js'
import { LiveSocketError } from '../base/errors.js'
import { tellUncaught } from '../base/uncaught.js'
import { debugLine } from './debug-line.js'
import { createCoordinator } from '../handover/coordinator.js'
import type { Gap, LiveSocketEvents } from '../handover/events.js'
import type { Stop } from '../handover/machine.js'
import { optionalFunction } from '../options/option-table.js'
import { createOutage } from '../handover/outage.js'
import { settingsOf, type LiveSocketOptions, type TopicTypes } from '../options/options.js'
import type { AllParts } from '../options/parts.js'
import { createSession, type Session } from '../handover/session.js'
import { watchWake } from '../host/wake.js'
import type { Published, PublishOptions } from '../publishes/outbox.js'
import type { RequestOptions } from '../requests/requests.js'
import { createSubscriptions, type MessageHandler, type TopicStatus } from '../topics/subscriptions.js'
import type { Message, MessageInfo } from '../topics/message.js'
import type { Position } from '../protocol/frames.js'
import type { MethodAnswer, MethodData, MethodTypes } from '../protocol/method-types.js'
import type { FoldOptions } from './fold.js'
import { setInsides } from './insides.js'
import type { StreamOptions } from './stream.js'
import { checkFrom, checkTopic } from './topic-arguments.js'
import { createTopicStatus } from './topic-status.js'
import { createLiveStore, type LiveSocketState, type ReadableStore } from './store.js'

export interface SubscribeOptions {
  /** Start after this position instead of now. */
  readonly from?: Position
  /** As `from`, in the present session only: in a later one, somebody else's perhaps, it starts from that one's now. */
  readonly since?: Position | undefined
  /** Aborting unsubscribes. */
  readonly signal?: AbortSignal
  /** The server refuses the topic: nothing of it will come, unless another server or another token thinks otherwise. */
  readonly onError?: ((error: LiveSocketError) => void) | undefined
}

/**
 * Counted since the session began: over its legs and over a `close()`, until `signOut()` or the session's end, from
 * which on all of them count for the next one.
 */
export interface LiveSocketStats {
  /** Message frames that came in, on any leg. */
  readonly received: number
  readonly delivered: number
  /** Dropped because the other leg had brought them. */
  readonly duplicates: number
  /** Held back, for a moment, because an earlier one was missing. */
  readonly held: number
  readonly gaps: number
  /** Planned moves that were finished. */
  readonly handovers: number
  readonly reconnects: number
  readonly published: number
  /** The longest time between two messages in a row, ms. */
  readonly longestSilence: number
}

export type TopicName<Topics> = keyof Topics & string

/** What follows the method's name: its data, which may be left out where it may be undefined, and the options. */
type RequestArgs<Method> =
  undefined extends MethodData<Method>
    ? [data?: MethodData<Method>, options?: RequestOptions]
    : [data: MethodData<Method>, options?: RequestOptions]

/**
 * `Topics` is what handlers are given, by topic; `Inputs` what `publish` takes, which differs where schemas transform;
 * `Methods` what `request` asks.
 */
export interface CoreSocket<
  Topics extends object = TopicTypes,
  Inputs extends object = Topics,
  Methods extends object = MethodTypes,
> {
  /** Dials. After `signOut()` or the session's end it begins a new session. While connected it does nothing. */
  connect(): void
  /**
   * Lets go of everything at once: unsent publishes settle as `closed`, sent ones as `outcome-unknown`. The server is
   * told 1000, or the code.
   */
  close(code?: number, reason?: string): void
  /** As `close`, and the token is forgotten, in every tab. No byte leaves with it from here on. */
  signOut(): void
  /** Moves to a new leg now. Resolves when the old one is gone; rejects if no other leg could be had. */
  handover(): Promise<void>
  [Symbol.dispose](): void
  /** Every message of the topic, once and in order, from now or from a position on; returns the undo. */
  subscribe<Topic extends TopicName<Topics>>(
    topic: Topic,
    handler: (data: Topics[Topic], message: MessageInfo<Topic>) => void,
    options?: SubscribeOptions,
  ): () => void
  /**
   * Resolves when the server has applied it, with its answer. Rejects with a `LiveSocketError`; see its codes. With a
   * schema the data is checked (`invalid`) and sent as it is given, not as the schema transforms it: what receives it
   * runs the schema on it.
   */
  publish<Topic extends TopicName<Inputs>>(
    topic: Topic,
    data: Inputs[Topic],
    options?: PublishOptions,
  ): Promise<Published>
  /**
   * Asks the server itself: in no topic, seen by nobody else, beside whatever else is asked. Resolves with the answer.
   * Rejects with a `LiveSocketError`: `refused` with the server's `reason` and `data`, or `outcome-unknown` where the
   * leg that it was asked on ended, or its time, before the answer came. See `RequestOptions`.
   */
  request<Method extends TopicName<Methods>>(
    method: Method,
    ...args: RequestArgs<Methods[Method]>
  ): Promise<MethodAnswer<Methods[Method]>>
  /**
   * Where a `subscribe` at this moment begins, as `from` takes it; null where nobody has subscribed, or no leg has
   * answered yet.
   */
  position(topic: TopicName<Topics>): Position | null
  /**
   * Whether the topic is served: `pending` until the server has answered, then `live`, or why the server refuses it. It
   * is subscribed while this has listeners; without any it tells what is known from others who have it subscribed.
   */
  topicStatus(topic: TopicName<Topics>): ReadableStore<TopicStatus>
  readonly store: ReadableStore<LiveSocketState>
  on<Type extends keyof LiveSocketEvents>(type: Type, listener: (event: LiveSocketEvents[Type]) => void): () => void
  stats(): LiveSocketStats
}

/** A live socket with all its parts. */
export interface LiveSocket<
  Topics extends object = TopicTypes,
  Inputs extends object = Topics,
  Methods extends object = MethodTypes,
> extends CoreSocket<Topics, Inputs, Methods> {
  /**
   * The messages of the topic, for `for await`, from this call on. A reader that is too slow gets what waited and then
   * an `overflow` error, never a silent loss; the end of the live socket is a `closed` error, a refusal of the topic a
   * `forbidden` or `refused` one.
   * `break`, `return()` and the signal end it quietly.
   */
  stream<Topic extends TopicName<Topics>>(
    topic: Topic,
    options?: StreamOptions,
  ): AsyncIterableIterator<Message<Topics[Topic], Topic>>
  /**
   * The state that the topic's messages add up to, from `initial` or from what `load` fetches: every message is folded,
   * once and in order, and listeners are told once per animation frame. Subscribed while it has listeners and a second
   * longer; it goes on later where it was.
   */
  fold<Topic extends TopicName<Topics>, State>(
    topic: Topic,
    reducer: (state: State, data: Topics[Topic], message: MessageInfo<Topic>) => State,
    initial: State,
    options?: FoldOptions<State>,
  ): ReadableStore<State>
}

/** A live socket of these parts. */
export function assembleLiveSocket<
  Topics extends object,
  Inputs extends object = Topics,
  Methods extends object = MethodTypes,
>(options: LiveSocketOptions<Topics>, parts: AllParts): CoreSocket<Topics, Inputs, Methods> {
  const settings = settingsOf(options, parts)
  /** What the schema makes of the data. */
  const check = (schema: StandardSchemaV1 | undefined, data: unknown) =>
    parts.schemas ? parts.schemas.check(schema, data) : { value: data }
  const { clock, random } = settings
  const present = new Present(clock)
  const { on, emit: tell } = createEmitter<LiveSocketEvents>((thrown, type) => {
    if (type !== 'error') report(explain`A listener threw; the others were told all the same.`, thrown)
    else tellUncaught(session.tokens.redactedError(thrown, 'the application'))
  })
  const emit: typeof tell = (type, event) => {
    try {
      settings.debug?.(debugLine(type, event))
    } catch (thrown) {
      tellUncaught(thrown)
    }
    return tell(type, event)
  }
  /**
   * `heard`: by others than those who listen to events. What an application threw is never lost: who listens to nothing
   * finds it where uncaught errors are.
   */
  const tellError = (given: LiveSocketError, heard = false) => {
    const error = withoutToken(given)
    if (emit('error', { error }) || heard) return
    if (error.cause === undefined) outage.warn(error.message, error.message)
    else tellUncaught(error.cause)
  }
  /** What an application threw is its own; but errors end up in logs. */
  const withoutToken = (error: LiveSocketError) => {
    const cause = session.tokens.redactedError(error.cause, 'the application')
    return cause === error.cause ? error : new LiveSocketError(error.code, error.message, { ...error, cause })
  }
  const report = (message: string, cause?: unknown) => tellError(new LiveSocketError('invalid', message, { cause }))
  const live = createLiveStore(clock, (thrown) => report(explain`A listener of the store threw.`, thrown))
  const outage = createOutage(clock, settings.quiet)
  let closed: LiveSocketState['closed'] = null
  /** A frame has come since the network last changed. */
  let heard = false
  /** Calls of `handover()`, each with the leg that it wants left. */
  let moves: { from: number | undefined; resolve(): void; reject(error: LiveSocketError): void }[] = []
  let listening: (() => void)[] = []

  const subscriptions = createSubscriptions(
    {
      position: (topic) => session.merge.position(topic),
      first: (topic, from) => session.merge.subscribe(topic, from),
      rewind: (topic, from) => session.merge.subscribe(topic, from),
      last: (topic) => session.merge.unsubscribe(topic),
      threw: (thrown, topic) =>
        report(explain`A handler of "${topic}" threw; the message counts as delivered.`, thrown),
    },
    settings.protocol.merge === 'log',
  )

  const coordinator = createCoordinator(
    { settings, present, id: () => nanoid(), session: () => session },
    {
      emit,
      error: tellError,
      heard(frame) {
        if (frame.type === 'message') session.counters.received++
        heard = true
      },
      changed: () => show(),
      served(planned) {
        const { counters } = session
        if (!planned && counters.everLive) counters.reconnects++
        counters.everLive = true
        outage.over()
      },
      drained: (leg) => session.merge.drained?.(leg),
      moved(planned) {
        if (planned) session.counters.handovers++
        const { active } = coordinator.state
        for (const move of takeMoves((from) => from !== active?.leg)) move.resolve()
      },
      moveFailed(why) {
        const { old } = coordinator.state
        for (const move of takeMoves((from) => from === undefined || from !== old?.leg))
          move.reject(
            new LiveSocketError(
              'timeout',
              explain`The handover came to nothing (${why}); the leg that served still does.`,
            ),
          )
      },
      refused: (error) =>
        tellError(error, error.retryAfter === undefined && subscriptions.refused(error.topic!, error)),
      failed: outage.failed,
      stopped: end,
    },
  )

  let session = newSession()

  /** On some systems the browser takes itself for offline for good: what arrives on a leg is better evidence. */
  function online() {
    return settings.network.online() || (heard && coordinator.state.active !== null)
  }

  function newSession(): Session {
    const mine: Session = createSession(
      { settings, present, online },
      {
        merge: {
          deliver: settings.schemas.size === 0 ? deliver : deliverChecked,
          gap(gap) {
            mine.counters.gaps++
            emit('gap', gap)
          },
          subscribe: (leg, id, topics) => void coordinator.send(leg, { type: 'subscribe', id, topics }),
          unsubscribe: (leg, topics) => void coordinator.send(leg, { type: 'unsubscribe', topics }),
          overflow: () => coordinator.dropStandby(),
          invalid: (topic, reason) => emit('invalid', { topic, reason }),
          answered: (topic, position) => subscriptions.answered(topic, position),
          fence: (leg) => coordinator.fence(leg),
        },
        outbox: {
          send: (leg, frame) => coordinator.send(leg, frame),
          overdue: () => coordinator.leave('unanswered'),
          settled: () => coordinator.settle(),
          changed: (size) => live.count(size),
        },
        request: (leg, frame) => coordinator.send(leg, frame),
        tokens: {
          fresh: (token) => coordinator.renew(token),
          // Of one that has ended the last word is told with the end.
          state: (token) => mine === session && live.set({ token }),
          refreshed: (event) => emit('token-refreshed', event),
          failed(event) {
            if (!coordinator.state.active)
              outage.failed({
                code: 'token-failed',
                message: `getToken: ${event.error instanceof Error ? event.error.message : 'it threw'}`,
              })
            show()
            emit('token-failed', event)
          },
          ended: (reason) => stop(reason === 'signed-out' ? { by: 'signed-out' } : { by: 'session-ended', reason }),
        },
      },
    )
    return mine

    function deliver(data: unknown, info: MessageInfo) {
      const { counters } = mine
      const { monotonic } = present.at
      counters.delivered++
      if (counters.lastMessage !== null && monotonic - counters.lastMessage > counters.longestSilence)
        counters.longestSilence = monotonic - counters.lastMessage
      counters.lastMessage = monotonic
      subscriptions.deliver(data, info)
    }

    function deliverChecked(data: unknown, info: MessageInfo) {
      const checked = check(settings.schemas.get(info.topic), data)
      if ('invalid' in checked) emit('invalid', { topic: info.topic, reason: checked.invalid })
      else deliver(checked.value, info)
    }
  }

  function takeMoves(done: (from: number | undefined) => boolean) {
    const taken = moves.filter(({ from }) => done(from))
    moves = moves.filter((move) => !taken.includes(move))
    return taken
  }

  function connect() {
    if (coordinator.state.status === 'open') return
    const fresh = closed === null || closed.by === 'signed-out' || closed.by === 'session-ended'
    // Ended in another tab, while this socket was closed.
    const ended = !session.open()
    if (ended) endSession(explain`The login session has ended in another tab.`, undefined)
    if (ended) session.open()
    closed = null
    outage.over()
    listen()
    coordinator.connect(fresh || ended, settings.page.prerendering?.() ?? false)
  }

  function listen() {
    const { network, page } = settings
    listening = [
      network.subscribe((hint) => {
        heard = false
        session.tokens.check()
        coordinator.evidence()
        coordinator.probe(PROBE)
        if (hint !== 'offline') coordinator.hasten(PROBE)
      }),
      watchWake(
        clock,
        () => page.hidden(),
        () => {
          coordinator.evidence()
          lookAgain()
          coordinator.hasten()
        },
      ),
      page.subscribe((change) => {
        if (change === 'stored') {
          session.tokens.suspend()
          return coordinator.suspend()
        }
        if (change === 'leaving') return coordinator.leaving()
        if (change === 'hidden') return
        // Whichever sign of life comes first: a restored page may say that it is shown before it says that it is back.
        coordinator.evidence()
        lookAgain()
        if (!coordinator.resume()) coordinator.hasten()
      }),
    ]
  }

  /**
   * Time has passed that no timer saw. The token comes first: meanwhile somebody may have signed out in another tab.
   */
  function lookAgain() {
    session.tokens.check()
    clock.check()
    coordinator.probe(PROBE)
  }

  function end(stop: Stop) {
    for (const undo of listening.splice(0)) undo()
    if (stop.by === 'app' || stop.by === 'signed-out') outage.over()
    closed = {
      by: stop.by,
      ...(stop.code === undefined ? null : { code: stop.code }),
      ...(stop.reason ? { reason: stop.reason } : null),
    }
    // Before anything of this is told: who is told may publish, or connect again.
    const message = explain`The live socket is closed (${stop.by}).`
    const ends = stop.by === 'signed-out' || stop.by === 'session-ended'
    if (ends) endSession(message, stop.reason)
    else session.rest(message)
    for (const move of moves.splice(0))
      move.reject(new LiveSocketError('closed', explain`The live socket was closed during the handover.`))
    if (stop.by === 'session-ended') emit('session-ended', { reason: stop.reason ?? 'the server ended the session' })
    show(ends ? { token: { status: 'ended', refreshAt: null, expiresAt: null } } : {})
  }

  /** A session can end while nothing is connected; once it has ended, there is none until the next `connect`. */
  function stop(stop: Stop) {
    if (coordinator.state.status !== 'closed') coordinator.stop(stop)
    else if (closed !== null && closed.by !== 'signed-out' && closed.by !== 'session-ended') end(stop)
  }

  /** Nothing of it stays: from here on whoever looks sees the next one, which begins with nothing. */
  function endSession(message: string, reason: string | undefined) {
    const former = session
    session = newSession()
    session.rest(message)
    subscriptions.restart()
    former.end(message, reason)
  }

  function show(besides: Partial<LiveSocketState> = {}) {
    const { status, active } = coordinator.state
    const { everLive } = session.counters
    live.set({
      status: status !== 'open' ? status : active ? 'live' : everLive ? 'reconnecting' : 'connecting',
      closed: status === 'closed' ? closed : null,
      ...coordinator.view(),
      lastError: outage.lastError,
      everLive,
      ...besides,
    })
    subscriptions.served(active !== null)
  }

  const socket: CoreSocket<Topics> = {
    connect,
    close: (code, reason) => coordinator.stop({ by: 'app', code, reason }),
    signOut: () => stop({ by: 'signed-out' }),
    handover: () =>
      new Promise((resolve, reject) => {
        if (coordinator.state.status !== 'open')
          return reject(new LiveSocketError('closed', explain`There is nothing to hand over: call connect() first.`))
        moves.push({ from: coordinator.state.active?.leg, resolve, reject })
        if (coordinator.state.active) coordinator.leave('application')
        else coordinator.hasten()
      }),
    [Symbol.dispose]: () => coordinator.stop({ by: 'app' }),
    subscribe(topic, handler, { from, since, signal, onError } = {}) {
      checkTopic(topic)
      if (typeof handler !== 'function')
        throw new LiveSocketError('invalid', explain`subscribe(topic, handler): the handler must be a function.`)
      optionalFunction('onError', onError)
      checkFrom(from ?? since)
      if (signal?.aborted) return () => {}
      const undo = subscriptions.add(
        topic,
        handler as MessageHandler,
        from ?? since,
        from === undefined,
        onError && ((status) => typeof status === 'object' && onError(status)),
      )
      signal?.addEventListener('abort', undo, { once: true })
      return () => {
        signal?.removeEventListener('abort', undo)
        undo()
      }
    },
    publish(topic, data, options) {
      try {
        checkTopic(topic)
      } catch (error) {
        return Promise.reject(error as Error)
      }
      const checked = check(settings.schemas.get(topic), data)
      if ('invalid' in checked)
        return Promise.reject(
          new LiveSocketError(
            'invalid',
            explain`The data for "${topic}" does not fit its schema: ${checked.invalid}.`,
            {
              topic,
              cause: checked.cause,
            },
          ),
        )
      session.counters.published++
      return session.outbox.publish(topic, data, options)
    },
    async request(method: string, data?: unknown, how?: RequestOptions): Promise<never> {
      const { requests } = session
      if (settings.protocol.merge !== 'log' || !requests)
        throw new LiveSocketError(
          'invalid',
          explain`There are no requests here: they are for a LiveSocket server, and a part of the socket.`,
        )
      const { input, output } = Object.hasOwn(settings.methods, method) ? settings.methods[method]! : {}
      const checkSide = (schema: StandardSchemaV1 | undefined, value: unknown, what: string) => {
        const checked = check(schema, value)
        if (!('invalid' in checked)) return checked.value
        const { invalid, cause } = checked
        throw new LiveSocketError('invalid', explain`The ${what} "${method}" does not fit its schema: ${invalid}.`, {
          cause,
        })
      }
      checkSide(input, data, 'data of the request')
      return checkSide(output, await requests.request(method, data, how), 'answer to the request') as never
    },
    position: (topic) => subscriptions.position(topic),
    topicStatus(topic) {
      checkTopic(topic)
      return createTopicStatus(subscriptions, topic)
    },
    store: live.store,
    on,
    stats() {
      const { lastMessage: _, everLive: __, ...counted } = session.counters
      return { ...counted, ...session.merge.stats(), gaps: counted.gaps }
    },
  }
  setInsides(socket, {
    clock,
    random,
    store: live.store,
    session: () => session,
    subscriptions,
    onGap: (listener) => on('gap', listener),
    report,
    holding: settings.holding,
    cap: settings.reconnect.cap,
  })
  return socket as unknown as CoreSocket<Topics, Inputs, Methods>
}

/**
 * After a change of network or a wake a leg must answer within this time: with the second that a wake takes to be seen,
 * 3 s in all.
 */
const PROBE = 2_000

export type { Gap }
