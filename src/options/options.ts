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
import type { GetToken } from '../tokens/token-keeper.js'
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
import type { AllParts } from './parts.js'

/** What the topics of an application bear, by name: `createLiveSocket<{ prices: Price }>(…)`. */
export type TopicTypes = Record<string, unknown>

/** Why a `url` function is asked. */
export interface UrlAsk {
  /** Dials that came to nothing since a leg last lived for 30 s, or within this move: 0 at first. */
  readonly attempt: number
  /**
   * `first`: nothing has been live since `connect()`. `handover`: beside a leg that serves. `reconnect`: nothing serves
   * any more.
   */
  readonly reason: 'first' | 'handover' | 'reconnect'
  /**
   * Where the last dial went in vain, without its query, or where the leg is that has fallen silent; null after a
   * success. Over HTTP/2 a browser's sockets to one host and port are one connection, which dies as one: answer with
   * another host name or port.
   */
  readonly failed: string | null
  /** Fires when the answer is no longer wanted. */
  readonly signal: AbortSignal
}

/** What a server or the client itself wants: leave this leg. */
export interface HandoverRequest {
  readonly id: string
  /** The server's word, or `application`, `silence`, `network`, `token`, `age`, `unanswered`. */
  readonly reason: string
  /** Milliseconds until the leg may be closed. */
  readonly deadline: number
}

/** What `createLiveSocket` takes. Only `url` is needed. Durations are milliseconds. */
export interface LiveSocketOptions<Topics extends object = TopicTypes> {
  /**
   * Where to connect. A function is asked at every dial that no server has named the place of, and told why.
   * Never put a token in it: URLs end up in logs.
   */
  url: string | URL | ((ask: UrlAsk) => string | URL | Promise<string | URL>)
  /**
   * Names service and login: hooks with one key share a socket, and the tabs and workers of a browser share a token and
   * a sign-out. Default: the whole URL, where it is given as a text or a URL. Where `url` is a function nothing is
   * certain, and nothing is shared.
   */
  key?: string
  /**
   * Fetches a short-lived token. Called on a jittered schedule of its own, never because a socket reconnected. A throw
   * is transient.
   */
  getToken?: GetToken
  /**
   * When to fetch the next token, as fractions of the lifetime (default 0.5 to 0.9 of 10 minutes: 5 to 9 minutes), and
   * how long one call may take, ms (default 10,000; 1,000 to 300,000): then it is repeated, at the pace of a failure,
   * and a late answer is used all the same.
   */
  tokenRefresh?: { from?: number; to?: number; lifetime?: number; timeout?: number }
  /** How the server is spoken to. Default `livesocketV1()`. */
  protocol?: Protocol
  /**
   * A Standard Schema per topic, of any library, synchronous: checks every message and publish, and types them. What
   * does not fit is an `invalid` event or error.
   */
  schemas?: { readonly [Topic in keyof Topics]?: StandardSchemaV1<unknown, Topics[Topic]> }
  /**
   * Standard Schemas of the server's methods, synchronous ones: `input` checks what is asked, `output` the answer, and
   * both type `request`.
   */
  methods?: MethodSchemas
  /** How moves to another server are made. */
  handover?: {
    /**
     * Origins besides the configured one to which a server may redirect, as `new URL(url).origin` gives them. Default
     * none.
     */
    redirectOrigins?: string[]
    /** The longest time for which both legs live, ms. Default 30,000. */
    overlapLimit?: number
    /**
     * The shortest time on a new leg before the next move, ms, so that two servers cannot play ping-pong. Default
     * 1,000.
     */
    dwell?: number
    /**
     * Age at which a platform cuts connections, ms: 3,600,000 for Cloud Run, 7,200,000 for API Gateway. Each leg moves
     * well before, at an age of its own: a random 80 to 100 % of the limit less 90 s, or of half a limit below 3 min.
     * Default: never.
     */
    maxAge?: number
    /**
     * Resolves at a moment that suits the application: asked when a move that can wait is about to dial. The deadline
     * does not wait for it: the last quarter of it, and at least 2 s, are the dial's. A move away from a leg that fails
     * is not put off, nor is one that the application itself asked for.
     */
    when?: (request: HandoverRequest) => Promise<void>
  }
  /** How the return is spread when nothing serves any more. */
  reconnect?: {
    /**
     * Milliseconds over which reconnections are spread when a server vanishes. Default: what the server said, else
     * 30,000, or 5,000 where the protocol is not livesocket.v1: such a crowd is one server's.
     */
    spread?: number
    /** How far the spread grows with repeated failures, ms. Default 120,000. */
    cap?: number
  }
  /**
   * Silence that is asked about, and how long the answer may take, ms. Default 10,000 and 5,000. `false`: never suspect
   * a leg.
   */
  heartbeat?: { interval?: number; timeout?: number } | false
  /** From the dial to the welcome, ms. Default 10,000. */
  connectTimeout?: number
  /**
   * What may wait for its answer (default 1,000 publishes, 1 MiB), and after what silence the leg is suspect (default
   * 10,000 ms).
   */
  outbox?: { maxMessages?: number; maxBytes?: number; ackTimeout?: number }
  /**
   * What may be held while an earlier message is missing (default 1,000, 1 MiB), and for how long the old leg may bring
   * it (default 250 ms).
   */
  holding?: { maxMessages?: number; maxBytes?: number; gapTimeout?: number }
  /** Decides what a close means. Asked for every code; `undefined` leaves it to the protocol's table. */
  onClose?: (close: { code: number; reason: string }) => 'retry' | 'stop' | undefined
  /**
   * A line on the console for each event, or to your function: never with a token or with data. Default: none. Exactly
   * `false` also keeps development builds from warning of what keeps the socket from being live.
   */
  debug?: boolean | ((line: string) => void)
  /** Every outside thing, replaceable: for tests, stories, and runtimes without a global WebSocket. */
  environment?: Environment
}

/** Every outside thing that a live socket touches; what is absent is the platform’s own. */
export interface Environment {
  WebSocket?: unknown
  clock?: Clock
  random?: Random
  network?: Network
  page?: Page
  tabs?: Tabs
}

const MIB = 1_048_576

/** Every option but those that only together mean something. Durations are milliseconds. */
const OPTIONS = {
  url: checkUrl,
  key(name, given): string | undefined {
    if (given !== undefined && (typeof given !== 'string' || given === ''))
      throw invalid(name, 'a non-empty string', given)
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
  reconnect: { spread: duration(undefined, 0, bounds.spread.most), cap: duration(120_000, 0, bounds.cap.most) },
  heartbeat: (name, given) =>
    given !== false && readOptions({ interval: duration(10_000), timeout: duration(5_000) }, given, name),
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
  const { environment, ...read } = readOptions(OPTIONS, options)
  const { from = 0.5, to = 0.9 } = read.tokenRefresh
  if (from > to)
    throw read.tokenRefresh.from === undefined
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
  if (read.getToken && (protocol as Partial<Protocol>).takesToken === false) {
    throw new LiveSocketError(
      'invalid',
      explain`getToken: the protocol "${String(protocol.name)}" has no place for a token. Give rawProtocol a \`hello\` that sends it or a \`dial\` that puts it into the handshake, or leave getToken out.`,
    )
  }
  return {
    ...read,
    key: read.key ?? defaultKey(read.url),
    protocol: protocol as unknown as Protocol,
    reconnect: {
      spread: read.reconnect.spread ?? (protocol as Partial<Protocol>).reconnectSpread ?? 30_000,
      cap: read.reconnect.cap,
    },
    parts,
    check: parts.schemas?.check ?? unchecked,
    schemas: parts.schemas?.topics(section('schemas', options['schemas'])) ?? new Map(),
    methods: parts.schemas?.methods(section('methods', options['methods'])) ?? {},
    quiet: options['debug'] === false,
    WebSocket: environment.WebSocket,
    clock: new Deadlines(environment.clock ?? systemClock),
    random: environment.random ?? systemRandom,
    network: environment.network ?? browserNetwork(),
    page: environment.page ?? browserPage(),
    tabs: environment.tabs,
  }
}

/**
 * Where a dial goes, from what the application gave: absolute, or relative to the document's base URL; `https:` and
 * `http:` mean `wss:` and `ws:`. Throws `LiveSocketError` `invalid`.
 */
export function dialUrl(given: unknown): URL {
  const text = given instanceof URL ? reading('url', () => given.href) : given
  if (typeof text !== 'string' || text.trim() === '') throw invalid('url', 'a ws: or wss: URL', given)
  let address
  try {
    address = socketAddress(text)
  } catch {
    address = ''
  }
  if (address === '') throw invalid('url', explain`an absolute ws: or wss: URL`, explain`what does not parse as one`)
  if (typeof address === 'string') throw invalid('url', 'a ws: or wss: URL', address)
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
