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

/** How a topic is subscribed: from where, until when, and what is called when the server refuses it. */
export interface SubscribeOptions {
  /** Start after this position, or with the last n messages that are kept (`{ last: 50 }`), instead of now. */
  readonly from?: Position | Last
  /** Like `from`, but for the present session only: in a later one, perhaps another user's, it starts from now. */
  readonly since?: Position | Last | undefined
  /** Aborting it unsubscribes. */
  readonly signal?: AbortSignal
  /**
   * Called when the server refuses the topic. No message of it comes then, unless another server or another token
   * allows it. An error with a `retryAfter` is a temporary refusal: the topic is requested again automatically.
   */
  readonly onError?: ((error: LiveSocketError) => void) | undefined
}

/** The name of a topic, or of a method, that the socket's types have. */
export type TopicName<Topics> = keyof Topics & string

/** The arguments after the method's name: its data, which may be omitted if it may be undefined, and the options. */
type RequestArgs<Method> =
  undefined extends MethodData<Method>
    ? [data?: MethodData<Method>, options?: RequestOptions]
    : [data: MethodData<Method>, options?: RequestOptions]

/**
 * `Topics` is the data that handlers receive, by topic; `Inputs` is what `publish` takes, which differs where schemas
 * transform; `Methods` are the requests that `request` can send.
 */
export interface CoreSocket<
  Topics extends object = TopicTypes,
  Inputs extends object = Topics,
  Methods extends object = MethodTypes,
> extends LiveConnection {
  /**
   * Calls `handler` with every message of the topic, once and in order, from now or a position on. Returns a function
   * that unsubscribes.
   */
  subscribe<Topic extends TopicName<Topics>>(
    topic: Topic,
    handler: (data: Topics[Topic], message: MessageInfo<Topic>) => void,
    options?: SubscribeOptions,
  ): () => void
  /**
   * Resolves with the server's answer when the server has applied the message. Rejects with a `LiveSocketError`; see
   * its codes. With a schema the data is checked (`invalid`) and then sent as given, not as the schema transforms it:
   * the receiver runs the schema on it.
   */
  publish<Topic extends TopicName<Inputs>>(
    topic: Topic,
    data: Inputs[Topic],
    options?: PublishOptions,
  ): Promise<Published>
  /**
   * Asks the server itself. A request belongs to no topic and nobody else sees it; it waits for no other request.
   * Resolves with the answer. Rejects with a `LiveSocketError`: `refused` with the server's `reason` and `data`, or
   * `outcome-unknown` if the leg that carried the request ended, or its time ran out, before the answer came. See
   * `RequestOptions`.
   */
  request<Method extends TopicName<Methods>>(
    method: Method,
    ...args: RequestArgs<Methods[Method]>
  ): Promise<MethodAnswer<Methods[Method]>>
  /**
   * Sends a signal to all others who have the topic subscribed at this moment, such as "is typing" or a cursor
   * position; this session itself does not receive it. A signal is not stored, numbered or answered. The first one is
   * sent at once; of those that follow within an animation frame only the newest is sent. While no leg serves signals
   * are dropped, because they would be outdated by the time one does. Throws a `LiveSocketError`: `invalid` for data
   * that is no JSON or a topic that this socket has not subscribed, `too-large`. If the server refuses a signal, that
   * is an `error` event; after `busy` the newest waits for the server's `retryAfter`.
   */
  signal(topic: TopicName<Topics>, data: unknown): void
  /**
   * Calls `handler` once for each signal that others or the server send to the topic, also when both legs of a handover
   * bring it. Returns a function that stops this. The topic is subscribed until then. No schema checks the data: the
   * handler must.
   */
  onSignal<Topic extends TopicName<Topics>>(
    topic: Topic,
    handler: (data: unknown, signal: SignalInfo<Topic>) => void,
    options?: Pick<SubscribeOptions, 'onError'>,
  ): () => void
  /**
   * The position at which a `subscribe` made now would begin, in the form that `from` takes. Null if nothing has
   * subscribed the topic, or no leg has answered yet.
   */
  position(topic: TopicName<Topics>): Position | null
  /**
   * Whether the topic is served: `pending` until the server answers, then `live`, or the error with which the server
   * refuses it. An error with a `retryAfter` is temporary: the topic is requested again. The topic is subscribed while
   * this store has listeners; without any, it shows what is known from other subscriptions.
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
   * The messages of the topic, for `for await`, from this call on. A reader that is too slow gets the messages that
   * were waiting and then an `overflow` error, never a silent loss. The end of the live socket is a `closed` error, a
   * refusal of the topic a `forbidden` or `refused` one. `break`, `return()` and the signal end the stream without an
   * error.
   */
  stream<Topic extends TopicName<Topics>>(
    topic: Topic,
    options?: StreamOptions,
  ): AsyncIterableIterator<Message<Topics[Topic], Topic>>
  /**
   * The state that the topic's messages add up to, from `initial` or from what `load` fetches. Every message is folded
   * once and in order, and listeners are called once per animation frame. The topic is subscribed while the fold has
   * listeners and one second longer; a later listener continues where it was.
   */
  fold<Topic extends TopicName<Topics>, State>(
    topic: Topic,
    reducer: (state: State, data: Topics[Topic], message: MessageInfo<Topic>) => State,
    initial: State,
    options?: FoldOptions<State>,
  ): ReadableStore<State>
}

/** A live socket made of these parts. */
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

/** Returns what the schema makes of the data; throws `invalid` if the data does not fit. */
function fitting(settings: Settings, schema: StandardSchemaV1 | undefined, data: unknown, said: Said): unknown {
  const checked = settings.check(schema, data)
  if (!('invalid' in checked)) return checked.value
  throw failure(said, 'invalid', explain`it does not fit its schema: ${checked.invalid}`, checked.cause)
}
