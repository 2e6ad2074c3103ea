'use client'
import { useMemo } from 'react'
import { count } from '../options/option-table.js'
import type { Message } from '../topics/message.js'
import { appendTo, type MessageLog } from './message-log.js'
import { createOwnPublishes, notYetAmong, type OwnPublish } from './own-publishes.js'
import { useSocket } from './provider.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useReduction } from './use-reduction.js'
import { useSession } from './use-session.js'
import { useTopicStore } from './use-topic-store.js'

/** How much of a topic a log shows, and from where. */
export interface LogOptions<Topics extends object> extends TopicOptions<Topics> {
  /** How many messages are kept, the newest. Default 100. */
  readonly limit?: number
  /** Begin with this many of the newest messages that the server keeps. Default: begin with new messages. */
  readonly last?: number
  /**
   * Shows what this socket publishes to the topic at once, after the messages, as an `OwnPublish`. It stays until its
   * message takes its place or, if it failed, until it is dismissed. The `id` is the same before and after. Default
   * false.
   */
  readonly optimistic?: boolean
}

/** A message, or an own publish whose message has not come yet: the latter has `own`. */
export type LogEntry<Data = unknown, Topic extends string = string> =
  | (Message<Data, Topic> & { readonly own?: undefined; readonly dismiss?: undefined })
  | (OwnPublish<Data, Topic> & { readonly epoch?: undefined; readonly offset?: undefined })

const limitOf = count(100, Number.MAX_SAFE_INTEGER)
const nothing: readonly never[] = []

/** The newest messages of the topic, the oldest of them first. The array changes only when its content does. */
export function useLiveLog<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  options: LogOptions<Topics> & { readonly optimistic: true },
): readonly LogEntry<Topics[Topic], Topic>[]
export function useLiveLog<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  options?: LogOptions<Topics>,
): readonly Message<Topics[Topic], Topic>[]
export function useLiveLog<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  options: LogOptions<Topics> = {},
): readonly (Message<Topics[Topic], Topic> | OwnPublish)[] {
  const { last } = options
  const limit = limitOf('limit', options.limit)
  type Entry = Message<Topics[Topic], Topic>
  const log = useReduction<Topic, MessageLog<Entry> | null, Topics>(
    topic,
    (before, data, message) => appendTo(before, { ...message, data }, limit),
    null,
    options,
    { from: options.from ?? (last === undefined ? undefined : { last }) },
  )
  const socket = useSocket(options.socket)
  const own = useTopicStore(
    options.optimistic ? topic : null,
    nothing,
    { socket, most: () => limit },
    (of, topic, { most }) => createOwnPublishes(of, topic, most),
  )
  const session = useSession(socket)
  return useMemo(() => {
    const messages = log?.kept.slice(-limit) ?? []
    return [...messages, ...notYetAmong(messages, own, socket, session)]
  }, [log, limit, own, socket, session])
}
