import { NoMaster, replyCode } from './redis-failure.js'
import type { RedisSocket } from './redis-socket.js'
import type { RedisAddress, RedisPlace, RedisSource } from './redis-source.js'

/**
 * Which addresses are dialled, and in which order. Any node of a cluster says which node has our slot, and that one is
 * dialled next; any sentinel says where the master is. In one round each address is dialled at most once, so that two
 * nodes that point at each other do not cause an endless loop.
 */
export interface RedisRoute {
  /** Begins a new round. `moved` is the last error, which may name the node with our slot. */
  begin(moved?: unknown): void
  /** Null: all were dialled. Rejects if no sentinel knows. */
  next(): Promise<RedisPlace | null>
  /** The dial failed. If the error named another node, that one is next. */
  failed(place: RedisPlace, error: unknown): void
  /** The dial succeeded: the next round begins with it. */
  arrived(place: RedisPlace): void
  /** Nodes of the cluster that `place` belongs to, the one with our slot first. */
  learn(place: RedisPlace, nodes: readonly RedisAddress[]): void
}

/** The most nodes of a cluster, and sentinels, that are remembered beside the given ones. */
const MOST_LEARNED = 32

export function createRedisRoute(source: RedisSource, open: (place: RedisPlace) => Promise<RedisSocket>): RedisRoute {
  let current: RedisPlace | null = null
  let learned = new Map<string, RedisPlace>()
  let sentinels: RedisPlace[] = [...(source.sentinels?.seeds ?? [])]
  let ahead: RedisPlace[] = []
  let tried = new Set<string>()
  let told = false

  function take(place: RedisPlace | undefined): RedisPlace | null {
    if (place) tried.add(place.name)
    return place ?? null
  }

  function follow(error: unknown, by: RedisPlace | null) {
    const cause = error instanceof Error && !replyCode(error) ? error.cause : error
    const [, host, port] =
      (replyCode(cause) === 'MOVED' && /MOVED \d+ (\S*):(\d+)/.exec((cause as Error).message)) || []
    if (by && port !== undefined) ahead.unshift(source.at({ host: host!, port: Number(port) }, by))
  }

  async function askSentinels(master: string): Promise<RedisPlace> {
    let failure: unknown
    for (const sentinel of [...sentinels]) {
      try {
        const socket = await open(sentinel)
        try {
          const answer = (await socket.send(['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', master])) as [string, string] | null
          if (!answer) throw new NoMaster(master)
          remember(sentinel, (await socket.send(['SENTINEL', 'SENTINELS', master]).catch(() => [])) as unknown[])
          return source.at({ host: answer[0], port: Number(answer[1]) }, sentinel)
        } finally {
          socket.destroy()
        }
      } catch (error) {
        failure = error
      }
    }
    throw failure
  }

  /** The one that answered is asked first the next time. The others that it named may outlive the given ones. */
  function remember(first: RedisPlace, fellows: readonly unknown[]) {
    const all = new Map([first, ...source.sentinels!.seeds].map((place) => [place.name, place]))
    for (const fellow of fellows) {
      if (!Array.isArray(fellow) || all.size >= MOST_LEARNED) continue
      const field = (name: string) => String(fellow[fellow.indexOf(name) + 1])
      const place = source.sentinelAt({ host: field('ip'), port: Number(field('port')) })
      if (!all.has(place.name)) all.set(place.name, place)
    }
    sentinels = [...all.values()]
  }

  return {
    begin(moved) {
      ahead = []
      tried = new Set()
      told = false
      follow(moved, current)
    },
    async next() {
      while (ahead.length > 0) {
        const place = ahead.shift()!
        if (!tried.has(place.name)) return take(place)
      }
      if (source.sentinels && !told) {
        told = true
        return take(await askSentinels(source.sentinels.master))
      }
      const known = source.sentinels ? [] : [...(current ? [current] : []), ...source.seeds, ...learned.values()]
      return take(known.find(({ name }) => !tried.has(name)))
    },
    failed: (place, error) => follow(error, place),
    arrived: (place) => void (current = place),
    learn(by, nodes) {
      learned = new Map(
        nodes
          .slice(0, MOST_LEARNED)
          .map((node) => source.at(node, by))
          .map((place) => [place.name, place]),
      )
    },
  }
}
