import { LiveSocketError } from '../../base/errors.js'
import type { RedisSocket } from './redis-socket.js'
import type { RedisAddress } from './redis-source.js'

/** What a Redis says of itself. */
export interface RedisStanding {
  /** Another one after each start. */
  readonly run: string
  /** All that it acknowledged is there after a restart. */
  readonly durable: boolean
  readonly cluster: boolean
}

export interface RedisVouched {
  /** Undefined: Redis is asked whether it is durable. */
  readonly durable: boolean | undefined
  /**
   * The Redis that served us until so many milliseconds ago, and is a master still, says that our slot is here. Moving a slot loses nothing:
   * one that was up all the while, and has not taken over from a master, has all that the other one had.
   */
  readonly movedAfter: number | undefined
}

/** Rejects where it cannot be written to, but not for a replica of a cluster: that one names its master to whoever asks for a key. */
export async function standingOf(socket: RedisSocket, vouched: RedisVouched, warn: (error: LiveSocketError) => void): Promise<RedisStanding> {
  const info = fields(await socket.send(['INFO']))
  const cluster = info['cluster_enabled'] === '1'
  if (info['loading'] === '1') throw new Error('LOADING Redis is loading its data')
  if (info['role'] === 'slave' && !cluster) throw new Error('READONLY This Redis is a replica')
  const run = info['run_id']
  if (!run) throw new Error('INFO of Redis names no run_id')
  const eviction = evictionOf(info)
  if (eviction) warn(eviction)
  // A replica that took over: what its master acknowledged last may never have come to it.
  const tookOver = /[^0]/.test(info['master_replid2'] ?? '0')
  const moved = vouched.movedAfter !== undefined && Number(info['uptime_in_seconds']) * 1_000 > vouched.movedAfter + UPTIME_ROUNDING
  return { run, cluster, durable: vouched.durable ?? (!tookOver && (moved || (await writesEverything(socket)))) }
}

/** It is told in whole seconds. */
const UPTIME_ROUNDING = 1_000

export async function runOf(socket: RedisSocket): Promise<string | undefined> {
  return fields(await socket.send(['INFO', 'server']))['run_id']
}

export async function isMaster(socket: RedisSocket): Promise<boolean> {
  return socket.send(['INFO', 'replication']).then((info) => fields(info)['role'] === 'master', () => false)
}

/** The nodes of a cluster, who has the slot of that key first. Empty where Redis does not say. */
export async function clusterNodes(socket: RedisSocket, key: string): Promise<RedisAddress[]> {
  try {
    const slot = Number(await socket.send(['CLUSTER', 'KEYSLOT', key]))
    const ranges = (await socket.send(['CLUSTER', 'SLOTS'])) as readonly (readonly [number, number, ...(readonly unknown[])[]])[]
    const ours = (range: (typeof ranges)[number]) => range[0] <= slot && slot <= range[1]
    return [...ranges.filter(ours), ...ranges.filter((range) => !ours(range))].flatMap(([, , ...nodes]) =>
      // Who does not know its own host is where it was asked.
      nodes.map(([host, port]) => ({ host: typeof host === 'string' && host !== '?' ? host : '', port: Number(port) })),
    )
  } catch {
    return []
  }
}

/** Under any policy but one Redis throws away what was acknowledged: topics and sessions have a time to live, which is all that `volatile-*` asks for. */
function evictionOf(info: Fields): LiveSocketError | null {
  const policy = info['maxmemory_policy']
  if (!policy || policy === 'noeviction' || !(Number(info['maxmemory'] ?? 0) > 0)) return null
  const lost = policy.startsWith('allkeys') ? 'all that is kept here' : 'the messages that are kept for replay, and whose a session is'
  return new LiveSocketError('invalid', `Redis may evict what it acknowledged: maxmemory-policy is ${policy}, and should be noeviction. Where memory runs short it throws away ${lost}.`)
}

async function writesEverything(socket: RedisSocket): Promise<boolean> {
  try {
    const names = ['appendonly', 'appendfsync', 'no-appendfsync-on-rewrite']
    const [only, sync, skips] = await Promise.all(names.map((name) => socket.send(['CONFIG', 'GET', name]) as Promise<string[]>))
    return only?.[1] === 'yes' && sync?.[1] === 'always' && skips?.[1] === 'no'
  } catch {
    // Managed ones do not say.
    return false
  }
}

type Fields = Readonly<Record<string, string | undefined>>

function fields(info: unknown): Fields {
  const found: Record<string, string> = Object.create(null) as Record<string, string>
  for (const line of String(info).split(/\r?\n/)) {
    const at = line.indexOf(':')
    if (at > 0) found[line.slice(0, at)] = line.slice(at + 1)
  }
  return found
}
