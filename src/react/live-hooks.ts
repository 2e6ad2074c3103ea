'use client'
import type { ReactNode } from 'react'
import type { TopicStatus } from '../topics/subscriptions.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { Message, MessageInfo } from '../topics/message.js'
import type { SignalInfo } from '../signals/signals.js'
import type { MethodTypes } from '../protocol/method-types.js'
import { LiveSocketProvider, type LiveSocketProviderProps } from './provider.js'
import type { SocketOf, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useLiveLog, type LogOptions, type LogEntry } from './use-live-log.js'
import { useLiveMessages } from './use-live-messages.js'
import { useLiveReducer, type ReducerOptions } from './use-live-reducer.js'
import { useLiveSocket, type SharedLiveSocketOptions } from './use-live-socket.js'
import { useLiveStatus } from './use-live-status.js'
import { useLiveValue } from './use-live-value.js'
import { useTopicStatus } from './use-topic-status.js'
import { usePublish, type Publishing } from './use-publish.js'
import { useRequest, type Requesting } from './use-request.js'
import { useSignal } from './use-signal.js'

/** The hooks, typed for the topics of one socket. */
export interface LiveHooks<
  Topics extends object,
  Inputs extends object = Topics,
  Methods extends object = MethodTypes,
> {
  LiveSocketProvider(props: LiveSocketProviderProps<Topics>): ReactNode
  useLiveSocket(): LiveSocket<Topics, Inputs, Methods>
  useLiveSocket(options: SharedLiveSocketOptions<Topics>): LiveSocket<Topics, Inputs, Methods>
  useLiveStatus: typeof useLiveStatus
  useLiveMessages<Topic extends TopicName<Topics>>(
    topic: Topic | null,
    handler: (data: Topics[Topic], message: MessageInfo<Topic>) => void,
    options?: TopicOptions<Topics>,
  ): void
  useLiveReducer<Topic extends TopicName<Topics>, State>(
    topic: Topic | null,
    reducer: (state: State, data: Topics[Topic], message: MessageInfo<Topic>) => State,
    initial: State,
    options?: ReducerOptions<Topics, State>,
  ): State
  useLiveLog<Topic extends TopicName<Topics>>(
    topic: Topic | null,
    options: LogOptions<Topics> & { readonly optimistic: true },
  ): readonly LogEntry<Topics[Topic], Topic>[]
  useLiveLog<Topic extends TopicName<Topics>>(
    topic: Topic | null,
    options?: LogOptions<Topics>,
  ): readonly Message<Topics[Topic], Topic>[]
  useLiveValue<Topic extends TopicName<Topics>>(
    topic: Topic | null,
    options?: TopicOptions<Topics>,
  ): Topics[Topic] | undefined
  useTopicStatus(topic: TopicName<Topics> | null, options?: { readonly socket?: SocketOf<Topics> }): TopicStatus
  usePublish<Topic extends TopicName<Inputs>>(
    topic: Topic | null,
    options?: { readonly socket?: LiveSocket<Topics, Inputs, any> },
  ): Publishing<Inputs[Topic]>
  useRequest<Method extends TopicName<Methods>>(
    method: Method,
    options?: { readonly socket?: LiveSocket<any, any, Methods> },
  ): Requesting<Methods[Method]>
  useSignal<Topic extends TopicName<Topics>>(
    topic: Topic | null,
    handler: (data: unknown, signal: SignalInfo<Topic>) => void,
    options?: Pick<TopicOptions<Topics>, 'enabled' | 'onError' | 'socket'>,
  ): (data: unknown) => void
}

/**
 * The same hooks, typed for these topics, for applications with more than one kind of socket: `Register` can name only
 * one. Call it once at the top of a module: `const { LiveSocketProvider, useLiveValue } = createLiveHooks<Topics>()`.
 */
export function createLiveHooks<
  Topics extends object,
  Inputs extends object = Topics,
  Methods extends object = MethodTypes,
>(): LiveHooks<Topics, Inputs, Methods> {
  return {
    LiveSocketProvider,
    useLiveSocket,
    useLiveStatus,
    useLiveMessages,
    useLiveReducer,
    useLiveLog,
    useLiveValue,
    useTopicStatus,
    usePublish,
    useRequest,
    useSignal,
  } as unknown as LiveHooks<Topics, Inputs, Methods>
}
