import type { Clock } from '../../base/clock.js'

/** The place of a connection that has not sent its `hello` yet. */
export interface PendingPlace {
  /** This many more bytes of its unfinished `hello` are held. */
  holdsMore(bytes: number): void
  /** Its `hello` is complete: newcomers no longer displace it. */
  said(): void
  /** It no longer counts as pending. */
  leave(): void
}

export interface PendingConnections {
  /**
   * A place, if need be that of another connection, whose `displaced` is called. Null if no connection has to yield.
   */
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
 * Milliseconds: time for one round trip on a bad line. A connection that has been silent for longer yields to any
 * newcomer, whatever their addresses.
 */
const PATIENCE = 1_000
/** The bytes that a piece costs beside its content. */
const PIECE = 512

/**
 * Limits unidentified connections in total and shares the places out by address. When all places are taken, a newcomer
 * gets the place of the longest silent connection of the address that holds most, if that is more than the newcomer's
 * address would then hold. So a flood from a few addresses only displaces itself, and a flood from many addresses
 * leaves each connection a second for its `hello`. There is no fixed limit for one address: an office, or a proxy that
 * was not configured, is one address.
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
  /** All connections without a complete `hello`, the longest silent first. */
  const silent = new Set<Silent>()
  /** The same connections by address. */
  const byAddress = new Map<string, Set<Silent>>()
  /** The addresses by how many connections each holds, so that the heaviest need not be searched for. */
  const ranks: Set<string>[] = []
  /** The connections with an unfinished `hello`, in the order in which they began it. */
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
