import { isIP } from 'node:net'
import { createClient } from 'redis'
import { invalid, shown } from '../../base/invalid.js'

/**
 * What `createClient` of the package `redis` makes, as far as it is used. It is never connected itself, only copied.
 */
export interface RedisTemplate {
  duplicate(overrides?: object): unknown
  readonly options?: object
}

/**
 * The options of `createCluster` of the package `redis`. Options in `defaults` may also be given for the root nodes.
 */
export interface RedisClusterNodes {
  /** Each as `createClient` takes it, with a `url` or a `socket`. Give at least three, so that one may be down. */
  readonly rootNodes: readonly object[]
  readonly defaults?: object
  readonly nodeAddressMap?: RedisAddressMap
}

/** The options of `createSentinel` of the package `redis`. */
export interface RedisSentinels {
  /** The name that the sentinels have for the master. */
  readonly name: string
  readonly sentinelRootNodes: readonly RedisAddress[]
  /** For Redis itself, as `createClient` takes it: credentials, TLS. */
  readonly nodeClientOptions?: object
  /** For the sentinels, as `createClient` takes it. */
  readonly sentinelClientOptions?: object
  readonly nodeAddressMap?: RedisAddressMap
}

/**
 * Translates the addresses that a cluster or a sentinel names, each given as `host:port`, for nodes that reach them
 * through another network.
 */
export type RedisAddressMap = Readonly<Record<string, RedisAddress>> | ((address: string) => RedisAddress | undefined)

/** Where a Redis listens. */
export interface RedisAddress {
  readonly host: string
  readonly port: number
}

/** One Redis, or one sentinel, that can be dialled. */
export interface RedisPlace {
  /** `host:port`, or the path of a socket. */
  readonly name: string
  readonly options: RedisOptions
}

/** The given options as addresses that can be dialled. */
export interface RedisSource {
  /** Empty if sentinels say where Redis is. */
  readonly seeds: readonly RedisPlace[]
  readonly sentinels: { readonly master: string; readonly seeds: readonly RedisPlace[] } | null
  /** Redis at an address that another node, or a sentinel, has named. Without a host it is on the same host. */
  at(address: RedisAddress, by: RedisPlace): RedisPlace
  sentinelAt(address: RedisAddress): RedisPlace
  /** Creates a client that is not connected yet. */
  create(options: object): unknown
}

/** The options of `createClient`, as far as they are read here. */
interface RedisOptions {
  readonly socket?: SocketOptions
  readonly [option: string]: unknown
}

interface SocketOptions {
  readonly host?: string
  readonly port?: number
  readonly path?: string
  readonly tls?: boolean
  readonly servername?: string
}

export interface RedisGiven {
  readonly url?: string
  readonly client?: RedisTemplate
  readonly cluster?: RedisClusterNodes
  readonly sentinel?: RedisSentinels
}

/** Throws `invalid`, without quoting a URL: it may contain a password. */
export function redisSource(given: RedisGiven): RedisSource {
  const kinds = [given.url, given.client, given.cluster, given.sentinel].filter((one) => one !== undefined)
  if (kinds.length !== 1) throw invalid('Give either url, client, cluster or sentinel')
  const create = (options: object): unknown => createClient(options)
  const seeded = (seeds: readonly RedisOptions[], map: RedisAddressMap | undefined, how = create): RedisSource => ({
    seeds: seeds.map(placeOf),
    sentinels: null,
    at: (address, by) => found(address, by, by.options, seeds[0]!.socket?.servername, map),
    sentinelAt: () => {
      throw new Error('no sentinels')
    },
    create: how,
  })
  if (given.url !== undefined) return seeded([optionsOf({ url: given.url }, 'url')], undefined)
  if (given.cluster !== undefined) return seeded(clusterSeeds(given.cluster), given.cluster.nodeAddressMap)
  if (given.sentinel !== undefined) return withSentinels(given.sentinel, create)
  const client = checkedClient(given.client)
  return seeded([optionsOf(client.options ?? {}, 'client')], undefined, (options) => client.duplicate(options))
}

function clusterSeeds({ rootNodes, defaults = {} }: RedisClusterNodes): RedisOptions[] {
  if (!Array.isArray(rootNodes) || rootNodes.length === 0)
    throw invalid('cluster.rootNodes must be an array of at least one node')
  const shared = optionsOf(defaults, 'cluster.defaults')
  return rootNodes.map((node: object, at) => merged(shared, optionsOf(node, `cluster.rootNodes[${at}]`)))
}

function withSentinels(
  { name, sentinelRootNodes, nodeClientOptions = {}, sentinelClientOptions = {}, nodeAddressMap }: RedisSentinels,
  create: RedisSource['create'],
): RedisSource {
  if (typeof name !== 'string' || name === '')
    throw invalid(`sentinel.name must be what the sentinels call the master, not ${shown(name)}`)
  if (!Array.isArray(sentinelRootNodes) || sentinelRootNodes.length === 0)
    throw invalid('sentinel.sentinelRootNodes must be an array of at least one { host, port }')
  for (const node of sentinelRootNodes) {
    if (typeof node?.host !== 'string' || typeof node.port !== 'number')
      throw invalid(`Each of sentinel.sentinelRootNodes must be a { host, port }, not ${shown(node)}`)
  }
  const node = optionsOf(nodeClientOptions, 'sentinel.nodeClientOptions')
  const own = optionsOf(sentinelClientOptions, 'sentinel.sentinelClientOptions')
  const sentinelAt = ({ host, port }: RedisAddress) => placeOf(merged(own, { socket: { host, port } }))
  return {
    seeds: [],
    sentinels: { master: name, seeds: sentinelRootNodes.map(sentinelAt) },
    at: (address, by) => found(address, by, node, node.socket?.servername, nodeAddressMap),
    sentinelAt,
    create,
  }
}

/** Similar objects that do not work are recognised here; otherwise every later operation would be refused. */
function checkedClient(client: unknown): RedisTemplate {
  const has = (...names: string[]) =>
    typeof client === 'object' && client !== null && names.every((name) => name in client)
  if (has('slots', 'nodeClient'))
    throw invalid('client is what createCluster made: give its options as cluster: { rootNodes, defaults }')
  if (has('getMasterNode'))
    throw invalid(
      'client is what createSentinel made: give its options as sentinel: { name, sentinelRootNodes, nodeClientOptions }',
    )
  if (has('execute', 'connect') && !has('duplicate'))
    throw invalid('client is a pool: give what createClient made, of which copies are connected as they are needed')
  if (!has('duplicate', 'sendCommand', 'connect', 'isOpen', 'options'))
    throw invalid('client must be what createClient of the package redis made')
  return client as RedisTemplate
}

function placeOf(options: RedisOptions): RedisPlace {
  const { path, host, port } = options.socket ?? {}
  return { name: path ?? `${host || 'localhost'}:${port ?? 6379}`, options }
}

function found(
  named: RedisAddress,
  by: RedisPlace,
  options: RedisOptions,
  servername: string | undefined,
  map: RedisAddressMap | undefined,
): RedisPlace {
  const own = by.options.socket ?? {}
  const host = named.host || own.host || 'localhost'
  const key = `${host}:${named.port}`
  const address = (typeof map === 'function' ? map(key) : map?.[key]) ?? { host, port: named.port }
  // A certificate is issued for a name. If an IP address was named, the certificate's name is the one under which the
  // naming node was reached.
  const inherited = isIP(address.host) ? (own.servername ?? (isIP(own.host ?? '') ? undefined : own.host)) : undefined
  return placeOf(
    merged(options, {
      socket: {
        host: address.host,
        port: address.port,
        servername: servername ?? (options.socket?.tls ? inherited : undefined),
      },
    }),
  )
}

function merged(options: RedisOptions, more: RedisOptions): RedisOptions {
  return { ...options, ...more, socket: { ...options.socket, ...more.socket } }
}

/** Reads a `url` among the options here, so that it is read in the same way with every version of the package. */
function optionsOf(options: object, name: string): RedisOptions {
  if (typeof options !== 'object' || options === null) throw invalid(`${name} must be options of createClient`)
  const { url, ...rest } = options as RedisOptions & { url?: unknown }
  if (url === undefined) return rest
  // The client that was made from it has read it already.
  if (name === 'client' && rest.socket) return rest
  return merged(readUrl(url, name === 'url' ? name : `${name}.url`), rest)
}

const SHAPE = 'redis://[user:password@]host[:port][/database], rediss://… or unix://[user:password@]/path[?db=database]'

function readUrl(url: unknown, name: string): RedisOptions {
  const wrong = (what: string) =>
    invalid(
      `${name} cannot be read: ${what}. It must be ${SHAPE}; what is special in a password must be encoded, as encodeURIComponent does. (It is not shown, since it may hold one.)`,
    )
  if (typeof url !== 'string') throw wrong(`it is ${url === null ? 'null' : typeof url}`)
  const scheme = /^([a-z]+):\/\//i.exec(url)?.[1]?.toLowerCase()
  if (scheme === 'unix') return readUnixUrl(url, wrong)
  if (scheme !== 'redis' && scheme !== 'rediss') throw wrong('it must begin with redis://, rediss:// or unix://')
  if (url.includes('#')) throw wrong('there is a # in it')
  let parsed: URL
  try {
    parsed = new URL(url)
  } catch {
    // The error contains the URL, and with it the password.
    throw wrong('it is no URL')
  }
  const database = /^\/(\d*)$/.exec(parsed.pathname || '/')?.[1]
  if (database === undefined) throw wrong('what follows the host is no number of a database')
  const host = parsed.hostname.replace(/^\[(.*)\]$/, '$1')
  return {
    ...credentials(parsed.username, parsed.password, wrong),
    ...(database === '' ? undefined : { database: Number(database) }),
    socket: {
      ...(host === '' ? undefined : { host }),
      ...(parsed.port === '' ? undefined : { port: Number(parsed.port) }),
      ...(scheme === 'rediss' ? { tls: true } : undefined),
    },
  }
}

function readUnixUrl(url: string, wrong: (what: string) => Error): RedisOptions {
  const [, user, password, path, database] =
    /^unix:\/\/(?:([^:@/]*)(?::([^@/]*))?@)?(\/[^?#]+)(?:\?db=(\d+))?$/i.exec(url) ?? []
  if (path === undefined) throw wrong('it is no path of a socket')
  return {
    ...credentials(user ?? '', password ?? '', wrong),
    ...(database === undefined ? undefined : { database: Number(database) }),
    socket: { path: decoded(path, wrong) },
  }
}

function credentials(user: string, password: string, wrong: (what: string) => Error): RedisOptions {
  return {
    ...(user === '' ? undefined : { username: decoded(user, wrong) }),
    ...(password === '' ? undefined : { password: decoded(password, wrong) }),
  }
}

function decoded(text: string, wrong: (what: string) => Error): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw wrong('there is a % in it that begins no encoded character')
  }
}
