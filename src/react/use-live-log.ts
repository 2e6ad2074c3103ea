'use client'
import { explain } from '../base/explanation.js'
import { useMemo } from 'react'
import { LiveSocketError } from '../base/errors.js'
import type { Message } from '../topics/message.js'
import { appendTo, emptyLog, lastOf, type MessageLog } from './message-log.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { useLiveReducer } from './use-live-reducer.js'

/** How much of a topic a log shows, and from where on. */
export interface LogOptions<Topics extends object> extends TopicOptions<Topics> {
  /** How many messages are kept: the newest. Default 100. */
  readonly limit?: number
  /** Begin with so many of the newest messages that are kept. Default: with what is new. */
  readonly last?: number
}

/** The newest messages of the topic, the oldest of them first. Another array only where there is another message. */
export function useLiveLog<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  options: LogOptions<Topics> = {},
): readonly Message<Topics[Topic], Topic>[] {
  const { limit = 100, last } = options
  if (!Number.isSafeInteger(limit) || limit < 1)
    throw new LiveSocketError('invalid', explain`useLiveLog: limit must be a whole number from 1.`)
  type Entry = Message<Topics[Topic], Topic>
  const log = useLiveReducer<Topic, MessageLog<Entry>, Topics>(
    topic,
    (before, data, message) => appendTo(before, { ...message, data }, limit),
    emptyLog,
    last === undefined ? options : { from: { last }, ...options },
  )
  return useMemo(() => lastOf(log, limit), [log, limit])
}
