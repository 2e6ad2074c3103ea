import { LiveSocketError } from '../../base/errors.js'
import { replyCode } from './redis-failure.js'
import type { RedisSocket } from './redis-socket.js'
import type { RedisAddress } from './redis-source.js'

/** What a Redis reports about itself. */
export interface RedisInfo {
  /**
   * The term of this Redis as the master, named by the random id that Redis gives it (`master_replid`); null if `INFO`
   * is not permitted. A restart or a promotion begins another term.
   */
  readonly term: string | null
  readonly cluster: boolean
}

/**
 * Reads `INFO`. Rejects if this Redis cannot be written to, except for a replica in a cluster, which names its master
 * when a key is asked for.
 */
export async function infoOf(socket: RedisSocket, warn: (error: LiveSocketError) => void): Promise<RedisInfo> {
  const told = await socket.send(['INFO']).catch((error: unknown) => {
    if (!isForbidden(error)) throw error
    warn(
      new LiveSocketError(
        'invalid',
        'The ACL of Redis does not permit INFO: whether another Redis has taken over is not known, so that all nodes agree on the epoch whenever one connects. Permit it with +info',
      ),
    )
    return null
  })
  if (told === null) return { term: null, cluster: false }
  const info = fields(told)
  const cluster = info['cluster_enabled'] === '1'
  if (info['loading'] === '1') throw new Error('LOADING Redis is loading its data')
  if (info['role'] === 'slave' && !cluster) throw new Error('READONLY This Redis is a replica')
  const eviction = evictionOf(info)
  if (eviction) warn(eviction)
  return { term: info['master_replid'] ?? null, cluster }
}

/** The term, as a second connection sees it. */
export async function termOf(socket: RedisSocket): Promise<string | null> {
  const told = await socket
    .send(['INFO', 'replication'])
    .catch((error: unknown) => (isForbidden(error) ? '' : Promise.reject(error)))
  return fields(told)['master_replid'] ?? null
}

function isForbidden(error: unknown): boolean {
  return replyCode((error as LiveSocketError).cause) === 'NOPERM'
}

/** The nodes of a cluster, the one with that key's slot first. Empty if Redis does not say. */
export async function clusterNodes(socket: RedisSocket, key: string): Promise<RedisAddress[]> {
  try {
    const slot = Number(await socket.send(['CLUSTER', 'KEYSLOT', key]))
    const ranges = (await socket.send(['CLUSTER', 'SLOTS'])) as readonly (readonly [
      number,
      number,
      ...(readonly unknown[])[],
    ])[]
    const ours = (range: (typeof ranges)[number]) => range[0] <= slot && slot <= range[1]
    return [...ranges.filter(ours), ...ranges.filter((range) => !ours(range))].flatMap(([, , ...nodes]) =>
      // A node that does not know its own host has the host that was asked.
      nodes.map(([host, port]) => ({ host: typeof host === 'string' && host !== '?' ? host : '', port: Number(port) })),
    )
  } catch {
    return []
  }
}

/**
 * Under any policy but `noeviction` Redis throws away acknowledged data: topics and sessions have a time to live, which
 * is all that `volatile-*` needs.
 */
function evictionOf(info: Fields): LiveSocketError | null {
  const policy = info['maxmemory_policy']
  if (!policy || policy === 'noeviction' || !(Number(info['maxmemory'] ?? 0) > 0)) return null
  const lost = policy.startsWith('allkeys')
    ? 'all that is kept here'
    : 'the messages that are kept for replay, and whose a session is'
  return new LiveSocketError(
    'invalid',
    `Redis may evict what it acknowledged: maxmemory-policy is ${policy}, and should be noeviction. Where memory runs short it throws away ${lost}.`,
  )
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
