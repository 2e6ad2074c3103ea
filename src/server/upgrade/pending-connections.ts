import type { Clock } from '../../base/clock.js'

/** A connection that has not said yet who it is. */
export interface PendingPlace {
  /** So many more bytes are held of what it has begun to say. */
  holdsMore(bytes: number): void
  /** It has said all that it has to: whoever comes no longer takes its place. */
  said(): void
  /** It is pending no more. */
  leave(): void
}

export interface PendingConnections {
  /** A place, if need be somebody else's, who is told; null where nobody has to yield. */
  enter(address: string, displaced: () => void): PendingPlace | null
}

interface Silent {
  readonly address: string
  readonly since: number
  bytes: number
  displaced(): void
  leave(): void
}

/**
 * Time for one round trip on a bad line. Who has been silent for longer yields to whoever comes, whatever the address.
 */
const PATIENCE = 1_000
/** What a piece costs beside its bytes. */
const PIECE = 512

/**
 * Strangers, bounded in all and shared out by address: where all places are taken, a newcomer gets the one of the
 * longest silent connection of the address that holds most, if that is more than its own address would then hold. So a
 * flood from a few addresses only displaces itself, and one from many leaves a connection a second for its hello. No
 * bound of an address alone: an office, or a proxy that was not named, is one address.
 */
export function createPendingConnections({
  max,
  maxBytes,
  clock,
}: {
  max: number
  maxBytes: number
  clock: Pick<Clock, 'monotonic'>
}): PendingConnections {
  /** All that have not said it yet, the longest silent first. */
  const silent = new Set<Silent>()
  /** The same by address. */
  const byAddress = new Map<string, Set<Silent>>()
  /** Addresses by the number that each holds, so that none has to be searched for. */
  const ranks: Set<string>[] = []
  /** Those of which bytes are held, in the order of their first. */
  const held = new Set<Silent>()
  let bytes = 0
  let size = 0

  function count(one: Silent, change: 1 | -1) {
    const all = byAddress.get(one.address) ?? new Set<Silent>()
    ranks[all.size]?.delete(one.address)
    if (change === 1) all.add(one)
    else all.delete(one)
    if (all.size === 0) byAddress.delete(one.address)
    else {
      byAddress.set(one.address, all)
      ;(ranks[all.size] ??= new Set()).add(one.address)
    }
    while (ranks.length > 0 && !ranks.at(-1)?.size) ranks.pop()
  }

  function forget(one: Silent) {
    if (!silent.delete(one)) return
    count(one, -1)
    if (held.delete(one)) bytes -= one.bytes
  }

  function displace(one: Silent) {
    one.leave()
    one.displaced()
  }

  function whoYields(address: string): Silent | undefined {
    if (ranks.length === 0) return undefined
    const heaviest = first(ranks.at(-1)!)!
    if (ranks.length - 1 >= (byAddress.get(address)?.size ?? 0) + 2) return first(byAddress.get(heaviest)!)
    const oldest = first(silent)
    return oldest && clock.monotonic() - oldest.since > PATIENCE ? oldest : undefined
  }

  return {
    enter(address, displaced) {
      if (size >= max) {
        const yields = whoYields(address)
        if (!yields) return null
        displace(yields)
      }
      let here = true
      const one: Silent = {
        address,
        since: clock.monotonic(),
        bytes: 0,
        displaced,
        leave() {
          if (!here) return
          here = false
          size--
          forget(one)
        },
      }
      size++
      silent.add(one)
      count(one, 1)
      return {
        holdsMore(more) {
          if (!silent.has(one)) return
          held.add(one)
          one.bytes += more + PIECE
          bytes += more + PIECE
          for (const earlier of held) {
            if (bytes <= maxBytes) break
            displace(earlier)
          }
        },
        said: () => forget(one),
        leave: one.leave,
      }
    },
  }
}

function first<Value>(all: Set<Value>): Value | undefined {
  return all.values().next().value
}
