'use client'
import { useCallback } from 'react'
import type { SignalInfo } from '../signals/signals.js'
import { useSocket } from './provider.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { constantStore } from './use-store.js'
import { useTopicStore } from './use-topic-store.js'

/**
 * Calls the latest `handler` for each signal of others to the topic, which is subscribed meanwhile; nothing renders by
 * itself. What it gives sends one: see `signal` of the live socket. It is the same function while socket and topic are.
 */
export function useSignal<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  handler: (data: unknown, signal: SignalInfo<Topic>) => void,
  options: Pick<TopicOptions<Topics>, 'enabled' | 'onError' | 'socket'> = {},
): (data: unknown) => void {
  const { enabled, onError } = options
  const socket = useSocket(options.socket)
  useTopicStore(topic, undefined, { enabled, onError, socket, handler }, (socket, of, calls) => ({
    ...constantStore(undefined),
    subscribe: () => socket.onSignal(of, calls.handler as never),
  }))
  return useCallback((data: unknown) => socket.signal(topic!, data), [socket, topic])
}
