import { NoMaster, replyCode } from './redis-failure.js'
import type { RedisSocket } from './redis-socket.js'
import type { RedisAddress, RedisPlace, RedisSource } from './redis-source.js'

/**
 * Who is dialled, and in which order. Of a cluster any node says who has our slot, and is followed; of sentinels any
 * says where the master is. In one round each is dialled once at most, so that two which point at each other are no
 * endless errand.
 */
export interface RedisRoute {
  /** A new round. `moved` is what the last one said of who has our slot, if it did. */
  begin(moved?: unknown): void
  /** Null: all were dialled. Rejects where no sentinel can tell. */
  next(): Promise<RedisPlace | null>
  /** It was no good. Where it named another one, that is the next. */
  failed(place: RedisPlace, error: unknown): void
  /** It is the one: the next round begins with it. */
  arrived(place: RedisPlace): void
  /** Nodes of the cluster that `place` belongs to, who has our slot first. */
  learn(place: RedisPlace, nodes: readonly RedisAddress[]): void
}

/** Nodes of a cluster, and sentinels, that are remembered beside those that were given. */
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

  /** Who answered is asked first the next time; its fellows may outlive those that were given. */
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
