'use client'
import type { LiveSocketOptions, TopicTypes } from '../options/options.js'
import type { LiveSocket } from '../socket/live-socket.js'
import { useSocket } from './provider.js'
import type { RegisteredInputs, RegisteredTopics } from './register.js'
import type { SchemaInputs, SchemaOutputs, TopicSchemas } from '../topics/topic-schema.js'
import type { HeldOptions } from './held-socket.js'
import { createSharedSockets } from './shared-sockets.js'
import { useHeldSocket } from './use-held-socket.js'

/** The options of a socket that components share by its key. */
export type SharedLiveSocketOptions<Topics extends object = RegisteredTopics> = LiveSocketOptions<Topics> & {
  /** False: this component does not hold the socket, and on its own does not connect it. Default true. */
  readonly enabled?: boolean
}

/** If a page has two copies of this module, perhaps of two versions, they share no sockets. */
const shared = createSharedSockets()

/**
 * The socket of the nearest provider. It is the same object at every render, and none of its events renders this
 * component.
 */
export function useLiveSocket<
  Topics extends object = RegisteredTopics,
  Inputs extends object = RegisteredInputs,
>(): LiveSocket<Topics, Inputs>
/**
 * A socket without a provider. All components with the same `key` share it; the default key is the whole URL, and with
 * a URL function and no key a component has its own socket. The first component connects the socket, and it is closed
 * one second after the last one has gone. The options of the first component count; a development build warns of
 * different ones. Functions may be new in every render: the latest ones are called, without a reconnection.
 */
export function useLiveSocket<Schemas extends TopicSchemas>(
  options: Omit<SharedLiveSocketOptions<TopicTypes>, 'schemas'> & { readonly schemas: Schemas },
): LiveSocket<SchemaOutputs<Schemas>, SchemaInputs<Schemas>>
export function useLiveSocket<Topics extends object = RegisteredTopics>(
  options: SharedLiveSocketOptions<Topics>,
): LiveSocket<Topics>
export function useLiveSocket<Topics extends object>(given?: SharedLiveSocketOptions<Topics>): LiveSocket<Topics> {
  return useSocket(
    useHeldSocket(shared, given as HeldOptions | undefined, given?.enabled) as LiveSocket<Topics, any> | undefined,
  )
}
