import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { LiveSocketError } from '../base/errors.js'
import { explain } from '../base/explanation.js'
import { givenFunction, optionalFunction } from '../options/option-table.js'
import type { LiveSocketOptions, TopicTypes } from '../options/options.js'
import { settingsOf, type Settings } from '../options/settings.js'
import type { AllParts } from '../options/parts.js'
import type { Last, Position } from '../protocol/frames.js'
import type { MethodAnswer, MethodData, MethodTypes } from '../protocol/method-types.js'
import type { Published, PublishOptions } from '../publishes/outbox.js'
import { failure, type Said } from '../publishes/refusal.js'
import type { RequestOptions } from '../requests/requests.js'
import type { SignalInfo } from '../signals/signals.js'
import type { Message, MessageInfo } from '../topics/message.js'
import { createSubscriptions, type MessageHandler, type TopicStatus } from '../topics/subscriptions.js'
import { Connection } from './connection.js'
import type { FoldOptions } from './fold-options.js'
import { setInsides } from './insides.js'
import type { LiveConnection } from './live-connection.js'
import type { ReadableStore } from './store.js'
import type { StreamOptions } from './stream.js'
import { abortSignal, checkName, checkStart, checkTopic, MAX_METHOD } from './topic-arguments.js'
import { createTopicStatus } from './topic-status.js'

export type { LiveSocketStats } from './stats.js'

/** How a topic is subscribed: from where on, until when, and who hears of a refusal. */
export interface SubscribeOptions {
  /** Start after this position, or with the last so many messages that are kept (`{ last: 50 }`), instead of now. */
  readonly from?: Position | Last
  /** As `from`, in the present session only: in a later one, somebody else's perhaps, it starts from that one's now. */
  readonly since?: Position | Last | undefined
  /** Aborting unsubscribes. */
  readonly signal?: AbortSignal
  /**
   * The server refuses the topic: nothing of it will come, unless another server or another token thinks otherwise;
   * with a `retryAfter` for now, and it is asked for again by itself.
   */
  readonly onError?: ((error: LiveSocketError) => void) | undefined
}

/** A topic of a socket, or null for none at the moment. */
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
> extends LiveConnection {
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
   * Says something to those who have the topic subscribed at this moment, and to this session itself not: that somebody
   * types, where a cursor is. It is not stored, numbered or answered. The first one goes at once; of those that follow
   * within an animation frame the newest does. Where no leg serves it is dropped: it would be old news by then. Throws
   * a `LiveSocketError`: `invalid` for what is no JSON or a topic that this socket has not subscribed, `too-large`.
   * What the server refuses is an `error` event; after a `busy` the newest waits for its `retryAfter`.
   */
  signal(topic: TopicName<Topics>, data: unknown): void
  /**
   * Each signal of others to the topic, or of the server, once, also where both legs of a handover bring it; returns
   * the undo. The topic is subscribed meanwhile. Handlers check the data: no schema does.
   */
  onSignal<Topic extends TopicName<Topics>>(
    topic: Topic,
    handler: (data: unknown, signal: SignalInfo<Topic>) => void,
    options?: Pick<SubscribeOptions, 'onError'>,
  ): () => void
  /**
   * Where a `subscribe` at this moment begins, as `from` takes it; null where nobody has subscribed, or no leg has
   * answered yet.
   */
  position(topic: TopicName<Topics>): Position | null
  /**
   * Whether the topic is served: `pending` until the server has answered, then `live`, or why the server refuses it:
   * with a `retryAfter` for now, and it is asked for again. It is subscribed while this has listeners; without any it
   * tells what is known from others who have it subscribed.
   */
  topicStatus(topic: TopicName<Topics>): ReadableStore<TopicStatus>
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
  const connection = new Connection(settingsOf(options, parts), createSubscriptions)
  const { settings, subscriptions } = connection

  function subscribe(
    topic: string,
    handler: MessageHandler,
    { from, since, signal, onError }: SubscribeOptions = {},
  ): () => void {
    checkTopic(topic)
    givenFunction('handler', handler)
    optionalFunction('onError', onError)
    checkStart(from ?? since)
    abortSignal('signal', signal)
    if (signal?.aborted) return () => {}
    const watch = onError && ((status: TopicStatus) => typeof status === 'object' && onError(status))
    const undo = subscriptions.add(topic, handler, watch, from ?? since, from === undefined)
    if (!signal) return undo
    signal.addEventListener('abort', undo, { once: true })
    return () => {
      signal.removeEventListener('abort', undo)
      undo()
    }
  }

  const socket: CoreSocket<Topics> = {
    ...connection.face(),
    subscribe: subscribe as CoreSocket<Topics>['subscribe'],
    publish(topic, data, options) {
      const { session } = connection
      try {
        checkTopic(topic)
        fitting(settings, settings.schemas?.get(topic), data, { type: 'publish', topic })
      } catch (error) {
        return Promise.reject(error as Error)
      }
      const outcome = session.publish(topic, data, options)
      connection.events.emit('publish', { topic, data, outcome })
      return outcome
    },
    async request(method: string, data?: unknown, how?: RequestOptions) {
      checkName('method', method, MAX_METHOD)
      const { input, output } = settings.methods?.get(method) ?? {}
      fitting(settings, input, data, { type: 'request', method })
      const answer = await settings.parts.requests(connection.session.needOutbox() as never, method, data, how)
      return fitting(settings, output, answer.data, { type: 'answer', method }) as never
    },
    signal: (topic, data) => connection.signals.send(topic, data),
    onSignal: (topic, handler, how) =>
      connection.signals.on(topic, givenFunction('handler', handler), () => subscribe(topic, () => {}, how)),
    position: (topic) => subscriptions.position(topic),
    topicStatus(topic) {
      checkTopic(topic)
      return createTopicStatus(subscriptions, topic)
    },
  }
  setInsides(socket, connection)
  return socket as unknown as CoreSocket<Topics, Inputs, Methods>
}

/** What the schema makes of the data. */
function fitting(settings: Settings, schema: StandardSchemaV1 | undefined, data: unknown, said: Said): unknown {
  const checked = settings.check(schema, data)
  if (!('invalid' in checked)) return checked.value
  throw failure(said, 'invalid', explain`it does not fit its schema: ${checked.invalid}`, checked.cause)
}
