import { explain } from '../base/explanation.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Checked } from '../base/standard-schema.js'
import { systemClock, systemRandom, type Clock, type Random } from '../base/clock.js'
import { Deadlines } from '../base/deadlines.js'
import { browserNetwork, type Network } from '../host/network.js'
import { browserPage, type Page } from '../host/page.js'
import type { Tabs } from '../host/tabs.js'
import { LiveSocketError } from '../base/errors.js'
import { baseUrl, originOf, socketAddress } from '../base/socket-address.js'
import type { GetToken } from '../tokens/token-call.js'
import { bounds } from '../policy/bounds.js'
import type { MethodSchemas } from '../protocol/method-types.js'
import type { Protocol } from '../protocol/protocol.js'
import {
  count,
  duration,
  fraction,
  invalid,
  isObject,
  optionalFunction,
  reading,
  readOptions,
  seam,
  section,
  type Read,
  type Table,
} from './option-table.js'
import type { HandoverRequest, LiveSocketOptions } from './options.js'
import type { AllParts } from './parts.js'

const MIB = 1_048_576

const HEARTBEAT = { interval: duration(10_000), timeout: duration(5_000) }

/** Every option but those that only together mean something. Durations are milliseconds. */
const OPTIONS = {
  url: checkUrl,
  key(name, given): string | undefined {
    if (given !== undefined && (typeof given !== 'string' || given === ''))
      throw invalid(name, explain`a non-empty string`, given)
    return given
  },
  getToken: optionalFunction<GetToken>,
  tokenRefresh: {
    from: fraction,
    to: fraction,
    lifetime: duration(undefined, bounds.lifetime.least, bounds.lifetime.most),
    timeout: duration(10_000, 1_000, 300_000),
  },
  handover: {
    redirectOrigins: checkOrigins,
    overlapLimit: duration(30_000),
    dwell: duration(1_000, 0),
    maxAge: duration(null, bounds.maxAge.least),
    when: optionalFunction<(request: HandoverRequest) => Promise<void>>,
  },
  reconnect: {
    spread: duration(undefined, 0, bounds.spread.most),
    cap: duration(bounds.cap.otherwise, 0, bounds.cap.most),
  },
  heartbeat: (name, given) => given !== false && readOptions(HEARTBEAT, given, name),
  connectTimeout: duration(10_000),
  outbox: { maxMessages: count(1_000), maxBytes: count(MIB), ackTimeout: duration(10_000) },
  holding: { maxMessages: count(1_000), maxBytes: count(MIB), gapTimeout: duration(250, 0) },
  onClose: optionalFunction<(close: { code: number; reason: string }) => unknown>,
  debug: checkDebug,
  environment: {
    WebSocket: optionalFunction<unknown>,
    clock: seam<Clock>('now', 'monotonic', 'setTimeout', 'frame'),
    random: optionalFunction<Random>,
    network: seam<Network>('online', 'subscribe'),
    page: seam<Page>('hidden', 'subscribe'),
    tabs: seam<Tabs>('join'),
  },
} satisfies Table

const NO_SCHEMAS: ReadonlyMap<string, StandardSchemaV1> = new Map()
const NO_METHODS: MethodSchemas = {}

/** Options, checked, with every default filled in. */
export interface Settings extends Omit<Read<typeof OPTIONS>, 'key' | 'reconnect' | 'environment'> {
  readonly key: string | null
  readonly reconnect: { readonly spread: number; readonly cap: number }
  readonly protocol: Protocol
  readonly parts: AllParts
  /** What the schema makes of the data: the data itself, where there is none. */
  readonly check: (schema: StandardSchemaV1 | undefined, data: unknown) => Checked
  readonly schemas: ReadonlyMap<string, StandardSchemaV1>
  readonly methods: MethodSchemas
  /** Warn of nothing. */
  readonly quiet: boolean
  readonly WebSocket: unknown
  /** Of this one live socket. */
  readonly clock: Deadlines
  readonly random: Random
  readonly network: Network
  readonly page: Page
  /** Absent: the browser's. */
  readonly tabs: Tabs | undefined
}

/** Throws `LiveSocketError` `invalid` that names the option, what it must be and what it was. */
export function settingsOf<Topics extends object>(given: LiveSocketOptions<Topics>, parts: AllParts): Settings {
  if (!isObject(given)) throw invalid('options', explain`an object with at least a \`url\``, given)
  const options = section('', given)
  const { url, key, getToken, tokenRefresh, handover, reconnect, heartbeat, ...more } = readOptions(OPTIONS, options)
  const { connectTimeout, outbox, holding, onClose, debug, environment } = more
  const { from = 0.5, to = 0.9 } = tokenRefresh
  if (from > to)
    throw tokenRefresh.from === undefined
      ? invalid('tokenRefresh.to', explain`at least tokenRefresh.from (0.5)`, to)
      : invalid('tokenRefresh.from', explain`at most tokenRefresh.to (${to})`, from)
  for (const [option, part] of [
    ['getToken', 'tokens'],
    ['schemas', 'schemas'],
    ['methods', 'schemas'],
  ] as const)
    if (options[option] !== undefined && !parts[part])
      throw new LiveSocketError(
        'invalid',
        explain`${option} needs its part: createLiveSocket(options, { ${part} }), with ${part} from livesocket/core; or createLiveSocket of livesocket, which has all parts.`,
      )
  const protocol = options.protocol === undefined ? parts.protocol() : options.protocol
  if (!isObject(protocol) || typeof reading('protocol', () => protocol.open) !== 'function')
    throw invalid('protocol', explain`what livesocketV1() or rawProtocol() returns`, protocol)
  if (getToken && (protocol as Partial<Protocol>).takesToken === false) {
    throw new LiveSocketError(
      'invalid',
      explain`getToken: the protocol "${String(protocol.name)}" has no place for a token. Give rawProtocol a \`hello\` that sends it or a \`dial\` that puts it into the handshake, or leave getToken out.`,
    )
  }
  // Each by its name: all clients' settings have one shape, where a spread gives each its own.
  return {
    url,
    getToken,
    tokenRefresh,
    handover,
    heartbeat,
    connectTimeout,
    outbox,
    holding,
    onClose,
    debug,
    key: key ?? defaultKey(url),
    protocol: protocol as unknown as Protocol,
    reconnect: {
      spread: reconnect.spread ?? (protocol as Partial<Protocol>).reconnectSpread ?? bounds.spread.otherwise,
      cap: reconnect.cap,
    },
    parts,
    check: parts.schemas?.check ?? unchecked,
    schemas: parts.schemas?.topics(options['schemas']) ?? NO_SCHEMAS,
    methods: parts.schemas?.methods(options['methods']) ?? NO_METHODS,
    quiet: options['debug'] === false,
    WebSocket: environment.WebSocket,
    clock: new Deadlines(environment.clock ?? systemClock),
    random: environment.random ?? systemRandom,
    network: environment.network ?? browserNetwork,
    page: environment.page ?? browserPage,
    tabs: environment.tabs,
  }
}

/**
 * Where a dial goes, from what the application gave: absolute, or relative to the document's base URL; `https:` and
 * `http:` mean `wss:` and `ws:`. Throws `LiveSocketError` `invalid`.
 */
export function dialUrl(given: unknown): URL {
  const text = given instanceof URL ? reading('url', () => given.href) : given
  if (typeof text !== 'string' || text.trim() === '') throw invalid('url', explain`a ws: or wss: URL`, given)
  let address
  try {
    address = socketAddress(text)
  } catch {
    address = ''
  }
  if (address === '') throw invalid('url', explain`an absolute ws: or wss: URL`, explain`what does not parse as one`)
  if (typeof address === 'string') throw invalid('url', explain`a ws: or wss: URL`, address)
  if (address.hasUser)
    throw invalid('url', explain`without user name and password: they end up in logs`, 'one with them')
  return new URL(address.href)
}

function checkUrl(_name: string, given: unknown): LiveSocketOptions['url'] {
  if (typeof given === 'function') return given as LiveSocketOptions['url']
  // A relative URL means nothing before there is a page: on a server it is looked at when it is dialled.
  const relative = typeof given === 'string' && /^[./?]/.test(given) && baseUrl() === undefined
  if (!relative) dialUrl(given)
  return given as string | URL
}

function checkDebug(name: string, given: unknown): ((line: string) => void) | null {
  if (given === true) return (line) => console.debug(line)
  return given === false ? null : (optionalFunction<(line: string) => void>(name, given) ?? null)
}

/** What is certain of service and login where no `key` was given: where it connects, as a whole, or nothing (null). */
export function defaultKey(url: LiveSocketOptions['url']): string | null {
  if (typeof url === 'function') return null
  try {
    return dialUrl(url).href
  } catch {
    // Relative, and there is no page: on a server it names nothing but itself.
    return String(url)
  }
}

function checkOrigins(name: string, value: unknown): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw invalid(name, explain`an array of origins such as "wss://b.example.com"`, value)
  const origins = reading(name, () => [...(value as unknown[])])
  for (const origin of origins) {
    if (typeof origin !== 'string' || originOf(origin) !== origin) {
      throw invalid(name, explain`origins as new URL(url).origin gives them, such as "wss://b.example.com"`, origin)
    }
  }
  return origins as string[]
}

function unchecked(_schema: unknown, value: unknown): Checked {
  return { value }
}
