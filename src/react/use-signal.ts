'use client'
import { useCallback, useEffect } from 'react'
import type { SignalInfo } from '../signals/signals.js'
import { useCallbacks } from './latest.js'
import { useSocket } from './provider.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'

/**
 * Calls the latest `handler` for each signal of others to the topic, which is subscribed meanwhile; nothing renders by
 * itself. What it gives sends one: see `signal` of the live socket. It is the same function while socket and topic are.
 */
export function useSignal<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  handler: (data: unknown, signal: SignalInfo<Topic>) => void,
  options: Pick<TopicOptions<Topics>, 'enabled' | 'onError' | 'socket'> = {},
): (data: unknown) => void {
  const { enabled = true, onError } = options
  const socket = useSocket(options.socket)
  const calls = useCallbacks({ handler, onError })
  const wanted = enabled ? topic : null
  useEffect(() => {
    if (wanted === null) return
    return socket.onSignal(wanted, calls.handler, calls)
  }, [socket, wanted, calls])
  return useCallback((data: unknown) => socket.signal(topic!, data), [socket, topic])
}
