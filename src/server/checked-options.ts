import { nanoid } from 'nanoid'
import { systemClock, type Clock } from '../base/clock.js'
import { MAX_ID } from '../protocol/fields.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { numberOf, textOf } from './bounds.js'
import { invalid, shown } from '../base/invalid.js'
import { serverLimits, type ServerLimits } from './limits.js'
import type { TopicLog } from './log/topic-log.js'
import type { LiveServerOptions } from './options.js'
import { checkRegistry } from './metrics-registry.js'
import { createReport, type OnError } from './reporter.js'
import { checkHandlers } from './requests/answerer.js'
import { harmless, type Tracing } from './tracing.js'
import { clientAddress, type AddressOf } from './upgrade/client-address.js'
import { originCheck, type OriginCheck } from './upgrade/origin.js'

/** The options of `createLiveServer`, checked, with defaults filled in. */
export interface CheckedOptions<User> {
  readonly given: LiveServerOptions<User>
  readonly path: string
  readonly id: string
  readonly clock: Clock
  readonly heartbeat: number
  readonly limits: ServerLimits
  readonly allows: OriginCheck
  readonly addressOf: AddressOf
  readonly onError: OnError
  readonly tracing: Tracing | undefined
}

/** Options that may be absent, and otherwise must be functions. */
const FUNCTIONS = ['authorize', 'filter', 'onPublish', 'onSession', 'presence', 'onEvent', 'onError'] as const

/** Checks the options. Throws `invalid`, naming the option, for a value that makes no sense. */
export function checkedOptions<User>(given: LiveServerOptions<User>): CheckedOptions<User> {
  const onError = createReport(given.onError)
  if (typeof given.authenticate !== 'function')
    throw invalid('authenticate must be a function: without it anybody could connect as anybody')
  checkPlace(given)
  const { path = '/', id = nanoid(), clock = systemClock } = given
  for (const name of FUNCTIONS) {
    if (given[name] !== undefined && typeof given[name] !== 'function')
      throw invalid(`${name} must be a function, not ${shown(given[name])}`)
  }
  checkHandlers(given.onRequest)
  checkSchemas('schemas', given.schemas)
  for (const [method, both] of Object.entries(entriesOf('methods', given.methods)))
    checkSchemas(`methods.${method}`, both)
  if (given.log !== undefined && typeof (given.log as Partial<TopicLog> | null)?.append !== 'function')
    throw invalid(`log must be a log, such as memoryLog() or redisLog() returns, not ${shown(given.log)}`)
  checkRegistry(given.registry)
  if (given.tracing !== undefined && typeof given.tracing?.begin !== 'function')
    throw invalid(`tracing must be what openTelemetry() gives, not ${shown(given.tracing)}`)
  if (typeof path !== 'string' || !path.startsWith('/') || path.includes('?'))
    throw invalid(`path must start with / and have no query, not ${shown(path)}`)
  textOf('id', id, MAX_ID, 1)
  return {
    given,
    path,
    id,
    clock,
    heartbeat: numberOf('heartbeat', given.heartbeat),
    limits: serverLimits(given.limits),
    allows: originCheck(given.allowedOrigins),
    addressOf: clientAddress(given.trustedProxies),
    onError,
    tracing: given.tracing && harmless(given.tracing, onError),
  }
}

function entriesOf(name: string, given: unknown): object {
  if (given === undefined) return {}
  if (typeof given === 'object' && given !== null) return given
  throw invalid(`${name} must be an object, not ${shown(given)}`)
}

/** A value that is no schema would refuse every publish, and only the refused clients would notice. */
function checkSchemas(name: string, given: unknown) {
  for (const [of, schema] of Object.entries(entriesOf(name, given)) as [string, Partial<StandardSchemaV1> | null][]) {
    if (schema !== undefined && typeof schema?.['~standard']?.validate !== 'function')
      throw invalid(`${name}.${of} must be a Standard Schema, not ${shown(schema)}`)
  }
}

function checkPlace({ server, port, noServer }: Pick<LiveServerOptions, 'server' | 'port' | 'noServer'>) {
  if ([server !== undefined, port !== undefined, noServer === true].filter(Boolean).length !== 1) {
    throw invalid('Give either server or port, or noServer: true')
  }
  if (port !== undefined && typeof port !== 'number' && typeof port !== 'string')
    throw invalid(`port must be a number, not ${shown(port)}`)
  if (server === undefined) return
  if (typeof server !== 'object' || server === null || !('listening' in server) || typeof server.emit !== 'function') {
    throw invalid('server must be an HTTP server of Node, such as http.createServer(app) returns, not an application')
  }
}
