'use client'
import type { Published, PublishOptions } from '../publishes/outbox.js'
import type { LiveSocket } from '../socket/live-socket.js'
import type { RegisteredInputs, TopicName } from './register.js'
import { useCalls, type Outcomes } from './use-calls.js'

/** A publish function, and how its last call is doing. */
export interface Publishing<Data> extends Outcomes {
  /**
   * Resolves when the server has applied it, with its answer; rejects with a `LiveSocketError`. A rejection that nobody
   * waits for is no unhandled one: it is in `error`. The function is the same one while socket and topic are.
   */
  readonly publish: (data: Data, options?: PublishOptions) => Promise<Published>
}

/** Publishes to the topic, and renders when what is pending or what failed changes. */
export function usePublish<Topic extends TopicName<Inputs>, Inputs extends object = RegisteredInputs>(
  topic: Topic | null,
  options: { readonly socket?: LiveSocket<any, Inputs, any> } = {},
): Publishing<Inputs[Topic]> {
  return useCalls(options.socket, 'publish', topic)
}
