import type { LiveSocketOptions, TopicTypes } from '../options/options.js'
import type { AllParts } from '../options/parts.js'
import { schemas } from '../options/schemas.js'
import type { AskedMethods, MethodSchemas, MethodTypes } from '../protocol/method-types.js'
import { requests } from '../requests/requests.js'
import { signals } from '../signals/signals.js'
import { tokens } from '../tokens/tokens.js'
import { livesocketV1 } from '../topics/livesocket-v1.js'
import type { SchemaInputs, SchemaOutputs, TopicSchemas } from '../topics/topic-schema.js'
import { assembleLiveSocket, type LiveSocket } from './live-socket.js'
import { fold, stream } from './reading.js'

const PARTS: AllParts = { protocol: livesocketV1, tokens, schemas, requests, signals }

/**
 * Creates a live socket. It does nothing until `connect()`, so it can be created in render, on a server and at import.
 * `subscribe` and `publish` may be called before `connect()`. Topics are typed by `schemas`, or by hand:
 * `createLiveSocket<{ prices: Price }>(…)`. Throws a `LiveSocketError` `invalid` that names the wrong option.
 */
export function createLiveSocket<Schemas extends TopicSchemas, Methods extends MethodSchemas>(
  options: Omit<LiveSocketOptions, 'schemas'> & { schemas: Schemas; methods: Methods },
): LiveSocket<SchemaOutputs<Schemas>, SchemaInputs<Schemas>, AskedMethods<Methods>>
export function createLiveSocket<Schemas extends TopicSchemas>(
  options: Omit<LiveSocketOptions, 'schemas'> & { schemas: Schemas },
): LiveSocket<SchemaOutputs<Schemas>, SchemaInputs<Schemas>>
export function createLiveSocket<Topics extends object = TopicTypes, Methods extends object = MethodTypes>(
  options: LiveSocketOptions<Topics>,
): LiveSocket<Topics, Topics, Methods>
export function createLiveSocket<Topics extends object>(options: LiveSocketOptions<Topics>): LiveSocket<Topics> {
  const socket = assembleLiveSocket<Topics>(options, PARTS)
  return Object.assign(socket, {
    stream: stream.bind(null, socket) as LiveSocket<Topics>['stream'],
    fold: fold.bind(null, socket) as LiveSocket<Topics>['fold'],
  })
}
