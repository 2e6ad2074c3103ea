import { explain } from '../base/explanation.js'
import type { StandardSchemaV1 } from '@standard-schema/spec'
import type { Checked } from '../base/standard-schema.js'
import { platformClock, systemRandom, type Clock, type Random } from '../base/clock.js'
import { Deadlines } from '../base/deadlines.js'
import { browserNetwork, type Network } from '../host/network.js'
import { browserPage, type Page } from '../host/page.js'
import type { Tabs } from '../host/tabs.js'
import { LiveSocketError } from '../base/errors.js'
import { addressOf, baseUrl } from '../base/socket-address.js'
import type { GetToken } from '../tokens/token-part.js'
import { bounds } from '../policy/bounds.js'
import type { Protocol } from '../protocol/protocol.js'
import {
  count,
  duration,
  invalid,
  isObject,
  option,
  optionalFunction,
  readOptions,
  seam,
  type Read,
  type Rule,
  type Table,
} from './option-table.js'
import type { HandoverRequest, LiveSocketOptions } from './options.js'
import type { AllParts } from './parts.js'

const MIB = 1_048_576

const HEARTBEAT = { interval: duration(10_000), timeout: duration(5_000) }

const fraction = option<number, undefined>(
  undefined,
  (given) => typeof given === 'number' && given > 0 && given <= 1,
  () => explain`a fraction of the lifetime, above 0 and at most 1`,
)

const origins = option<readonly string[], readonly string[]>(
  [],
  (given) =>
    Array.isArray(given) && given.every((origin) => typeof origin === 'string' && addressOf(origin)?.origin === origin),
  () => explain`an array of origins as new URL(url).origin gives them, such as "wss://b.example.com"`,
)

/** Every option except those whose rules belong to parts. Durations are milliseconds. */
const OPTIONS = {
  url: checkUrl,
  key: option<string, undefined>(
    undefined,
    (given) => typeof given === 'string' && given !== '',
    () => explain`a non-empty string`,
  ),
  tokenRefresh: {
    from: fraction,
    to: fraction,
    lifetime: duration(undefined, bounds.lifetime.least, bounds.lifetime.most),
    // More than a healthy service needs, retries included.
    timeout: duration(10_000, 1_000, 300_000),
  },
  protocol: seam<Protocol>(undefined, 'open'),
  handover: {
    // A copy, so that later changes to the array have no effect.
    redirectOrigins: (name, given) => origins(name, Array.isArray(given) ? [...(given as unknown[])] : given),
    overlapLimit: duration(30_000),
    dwell: duration(1_000, 0),
    maxAge: duration(null, 1_000),
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
  debug: (name, given) => (typeof given === 'boolean' ? given : optionalFunction<(line: string) => void>(name, given)),
  environment: {
    WebSocket: optionalFunction<unknown>,
    clock: seam<Clock, Clock>(platformClock, 'now', 'monotonic', 'setTimeout', 'frame'),
    random: (name, given) => optionalFunction<Random>(name, given) ?? systemRandom,
    network: seam<Network, Network>(browserNetwork, 'online', 'subscribe'),
    page: seam<Page, Page>(browserPage, 'hidden', 'subscribe'),
    // Default: the browser's tabs, if there are tokens to share.
    tabs: seam<Tabs>(undefined, 'join'),
  },
} satisfies Table

/** The table with the options of parts added. */
function tableOf({ tokens, schemas }: AllParts) {
  const lacksSchemas = lacks('schemas')
  return {
    ...OPTIONS,
    getToken: tokens ? optionalFunction<GetToken> : lacks('tokens'),
    schemas: schemas?.topics ?? lacksSchemas,
    methods: schemas?.methods ?? lacksSchemas,
  }
}

function lacks(part: string): Rule<undefined> {
  return (name, given) => {
    if (given !== undefined)
      throw new LiveSocketError(
        'invalid',
        explain`${name} needs its part: createLiveSocket(options, { ${part} }), with ${part} from livesocket/core; or createLiveSocket of livesocket, which has all parts.`,
      )
  }
}

type Given = Read<ReturnType<typeof tableOf>>

/** The checked options with every default filled in, and the members of `environment` beside them. */
export interface Settings
  extends Omit<Given, keyof Chosen | 'environment'>,
    Omit<Given['environment'], 'clock'>,
    Chosen {}

/** Settings that depend on more than one option. */
interface Chosen {
  readonly key: string | null
  readonly reconnect: { readonly spread: number; readonly cap: number }
  readonly protocol: Protocol
  readonly parts: AllParts
  /** The data as the schema returns it; without a schema, the data itself. */
  readonly check: (schema: StandardSchemaV1 | undefined, data: unknown) => Checked
  /** The clock of this one live socket. */
  readonly clock: Deadlines
}

/** Checks the options. Throws a `LiveSocketError` `invalid` that names the option, what it must be and what it was. */
export function settingsOf<Topics extends object>(given: LiveSocketOptions<Topics>, parts: AllParts): Settings {
  if (!isObject(given)) throw invalid('options', explain`an object with at least a \`url\``, given)
  const options = readOptions(tableOf(parts), given)
  const { tokenRefresh, reconnect, environment, protocol = parts.protocol() } = options
  const { from = 0.5, to = 0.9 } = tokenRefresh
  if (from > to) {
    const name = tokenRefresh.from === undefined ? 'tokenRefresh.to' : 'tokenRefresh.from'
    const must = explain`such that the refresh begins (from: ${from}) before it ends (to: ${to})`
    throw invalid(name, must, tokenRefresh.from ?? to)
  }
  if (options.getToken && protocol.takesToken === false) {
    throw new LiveSocketError(
      'invalid',
      explain`getToken: the protocol "${String(protocol.name)}" has no place for a token. Give rawProtocol a \`hello\` that sends it or a \`dial\` that puts it into the handshake, or leave getToken out.`,
    )
  }
  const chosen: Chosen = {
    key: keyOf(options),
    reconnect: {
      spread: reconnect.spread ?? protocol.reconnectSpread ?? bounds.spread.otherwise,
      cap: reconnect.cap,
    },
    protocol,
    parts: { ...parts, ...protocol.lacking },
    check: parts.schemas?.check ?? unchecked,
    clock: new Deadlines(environment.clock),
  }
  // Assigned to the object that was read, so that all clients' settings have one shape; a spread would give each its
  // own.
  return Object.assign(options, environment, chosen)
}

/**
 * The URL to dial, from what the application gave: absolute, or relative to the document's base URL; `https:` and
 * `http:` mean `wss:` and `ws:`. Throws a `LiveSocketError` `invalid`.
 */
export function dialUrl(given: unknown): string {
  const text = given instanceof URL ? given.href : given
  const address = typeof text === 'string' && text.trim() !== '' && addressOf(text)
  if (!address || address.hasUser)
    throw invalid(
      'url',
      explain`an absolute ws: or wss: URL, without user name and password, which end up in logs`,
      given,
    )
  return address.href
}

function checkUrl(_name: string, given: unknown): LiveSocketOptions['url'] {
  if (typeof given === 'function') return given as LiveSocketOptions['url']
  // Without a page a relative URL means nothing: on a server it is checked when it is dialled.
  const relative = typeof given === 'string' && /^[./?]/.test(given) && baseUrl() === undefined
  if (!relative) dialUrl(given)
  return given as string | URL
}

/**
 * The key of service and login: `key`, or by default all that is known of them for certain, which is the whole URL, or
 * null if `url` is a function.
 */
export function keyOf({
  url,
  // A relative URL without a page, as on a server, counts as it is.
  key = typeof url === 'function' ? null : (addressOf(String(url))?.href ?? String(url)),
}: Pick<LiveSocketOptions, 'url'> & { readonly key?: string | null | undefined }): string | null {
  return key
}

function unchecked(_schema: unknown, value: unknown): Checked {
  return { value }
}
