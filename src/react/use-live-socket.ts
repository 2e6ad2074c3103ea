'use client'
import type { LiveSocketOptions, TopicTypes } from '../options/options.js'
import type { LiveSocket } from '../socket/live-socket.js'
import { useSocket } from './provider.js'
import type { RegisteredInputs, RegisteredTopics } from './register.js'
import type { SchemaInputs, SchemaOutputs, TopicSchemas } from '../topics/topic-schema.js'
import type { HeldOptions } from './held-socket.js'
import { createSharedSockets } from './shared-sockets.js'
import { useHeldSocket } from './use-held-socket.js'

/** The options of a socket that hooks share, by its key. */
export type SharedLiveSocketOptions<Topics extends object = RegisteredTopics> = LiveSocketOptions<Topics> & {
  /** False: this component does not hold the socket, and alone does not connect it. Default true. */
  readonly enabled?: boolean
}

/** Two copies of this module on a page, of two versions perhaps, each keep their own and share nothing. */
const shared = createSharedSockets()

/**
 * The socket of the nearest provider. It is the same one at every render, and nothing that happens to it renders this
 * component.
 */
export function useLiveSocket<
  Topics extends object = RegisteredTopics,
  Inputs extends object = RegisteredInputs,
>(): LiveSocket<Topics, Inputs>
/**
 * Without a provider: one socket that all components with the same `key` (default: the whole URL; none where it is a
 * function) share. The first of them connects it; it is closed a second after the last one is gone. The options of the
 * first one count; a development build warns of others. Functions may be new in every render: the latest ones are
 * called, and nothing is reconnected for them.
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
