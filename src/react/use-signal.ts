'use client'
import type { SignalInfo } from '../signals/signals.js'
import { checkTopic } from '../socket/topic-arguments.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { constantStore } from './use-store.js'
import { useTopicStore } from './use-topic-store.js'

/**
 * Calls the latest `handler` for each signal that others send to the topic; the topic is subscribed meanwhile, and no
 * signal renders the component. Returns a function that sends a signal: see `signal` of the live socket. It stays the
 * same while socket and topic do.
 */
export function useSignal<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  handler: (data: unknown, signal: SignalInfo<Topic>) => void,
  { enabled, onError, socket }: Pick<TopicOptions<Topics>, 'enabled' | 'onError' | 'socket'> = {},
): (data: unknown) => void {
  return useTopicStore(topic, sendNowhere, { enabled, onError, socket, handler }, (socket, of, { handler }) => ({
    ...constantStore((data: unknown) => socket.signal(of, data)),
    open: () => socket.onSignal(of, handler as never),
  }))
}

/** Throws `invalid`, as sending without a topic does. */
const sendNowhere = () => checkTopic(null)
