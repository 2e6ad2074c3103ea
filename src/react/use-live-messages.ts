'use client'
import { useEffect, useMemo, useSyncExternalStore } from 'react'
import type { Last, Position } from '../protocol/frames.js'
import type { MessageInfo } from '../topics/message.js'
import { useLatest } from './latest.js'
import { useSocket } from './provider.js'
import type { RegisteredTopics, TopicName } from './register.js'
import type { TopicOptions } from './topic-options.js'
import { createTopicReader } from './topic-reader.js'
import { neverTold } from './use-live-reducer.js'
import { useGaps } from './use-gaps.js'

/**
 * Calls `handler` for every message of the topic, once and in order, beginning where the topic was at the first render.
 * It is always the handler of the last committed render that is called; a new one subscribes nothing anew, and no
 * message renders anything by itself. Disabled and enabled again, it begins anew, from that moment on.
 */
export function useLiveMessages<Topic extends TopicName<Topics>, Topics extends object = RegisteredTopics>(
  topic: Topic | null,
  handler: (data: Topics[Topic], message: MessageInfo<Topic>) => void,
  options: TopicOptions<Topics> = {},
): void {
  const { enabled = true, from, onGap, onError } = options
  const socket = useSocket(options.socket)
  const latest = useLatest({ handler, onError })
  const hears = onError && true
  const wanted = enabled ? topic : null
  // A new object in every render may say the same.
  const place = from && JSON.stringify(from)
  const reader = useMemo(
    () =>
      wanted === null
        ? null
        : createTopicReader(socket, wanted, place === undefined ? undefined : (JSON.parse(place) as Position | Last)),
    [socket, wanted, place],
  )
  // React asks for a state in every render on a client, and in none on a server.
  useSyncExternalStore(neverTold, () => reader?.mark(), nothing)
  useGaps(socket, wanted, onGap)
  useEffect(
    () =>
      reader?.read(
        (data, message) => latest.get().handler(data, message),
        hears && ((error) => latest.get().onError?.(error)),
      ),
    [reader, latest, hears],
  )
}

const nothing = () => undefined
