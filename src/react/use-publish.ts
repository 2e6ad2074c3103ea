'use client'
import type { Published, PublishOptions } from '../publishes/outbox.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { RegisteredInputs, TopicName } from './register.js'
import { useCalls, type Outcomes } from './use-calls.js'

/** A publish function, and the state of its calls. */
export interface Publishing<Data> extends Outcomes {
  /**
   * Resolves with the server's answer when the server has applied the message; rejects with a `LiveSocketError`. A
   * rejection that nothing awaits never counts as unhandled: it is in `error`. The function stays the same while socket
   * and topic do.
   */
  readonly publish: (data: Data, options?: PublishOptions) => Promise<Published>
}

/** Publishes to the topic. The component renders when `pending` or `error` changes. */
export function usePublish<Topic extends TopicName<Inputs>, Inputs extends object = RegisteredInputs>(
  topic: Topic | null,
  options: { readonly socket?: LiveSocket<any, Inputs, any> } = {},
): Publishing<Inputs[Topic]> {
  return useCalls(options.socket, 'publish', topic)
}
