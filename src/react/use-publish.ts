'use client'
import { useCallback, useState } from 'react'
import { LiveSocketError } from '../base/errors.js'
import type { Published, PublishOptions } from '../publishes/outbox.js'
import type { LiveSocket } from '../socket/live-socket.js'
import { useSocket } from './provider.js'
import type { RegisteredInputs, TopicName } from './register.js'

export interface Publishing<Data> {
  /**
   * Resolves when the server has applied it, with its answer; rejects with a `LiveSocketError`. A rejection that nobody
   * waits for is no unhandled one: it is in `error`. The function is the same one while socket and topic are.
   */
  readonly publish: (data: Data, options?: PublishOptions) => Promise<Published>
  /** How many of this component's publishes wait for their answer. */
  readonly pending: number
  /** Why the last one failed; null from the next `publish` on. */
  readonly error: LiveSocketError | null
}

/** Publishes to the topic, and renders when what is pending or what failed changes. */
export function usePublish<Topic extends TopicName<Inputs>, Inputs extends object = RegisteredInputs>(
  topic: Topic | null,
  options: { readonly socket?: LiveSocket<any, Inputs> } = {},
): Publishing<Inputs[Topic]> {
  const socket: LiveSocket<any, Inputs> = useSocket(options.socket)
  const [{ pending, error }, setState] = useState<{ readonly pending: number; readonly error: LiveSocketError | null }>(
    { pending: 0, error: null },
  )
  const publish = useCallback(
    (data: Inputs[Topic], how?: PublishOptions) => {
      const outcome: Promise<Published> =
        topic === null
          ? Promise.reject(new LiveSocketError('invalid', 'usePublish(null): there is no topic.'))
          : socket.publish(topic, data, how)
      setState((before) => ({ pending: before.pending + 1, error: null }))
      outcome.then(
        () => setState((before) => ({ ...before, pending: before.pending - 1 })),
        (thrown: LiveSocketError) => setState((before) => ({ pending: before.pending - 1, error: thrown })),
      )
      return outcome
    },
    [socket, topic],
  )
  return { publish, pending, error }
}
