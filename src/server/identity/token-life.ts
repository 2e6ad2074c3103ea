import type { Clock } from '../../base/clock.js'

/** How long the token of one leg counts on this server, and what its client has been told of that. */
export interface TokenLife {
  /** One was taken, with so many milliseconds left; absent: it never ends. */
  begin(ttl: number | undefined): void
  /** It ends in `within` milliseconds, unless it ends sooner anyway. False: it does. */
  cutShort(within: number): boolean
  /** Whether it has run out, and its grace with it. */
  over(now: number): boolean
}

/** @param grace milliseconds that a leg may live on beyond its token's end. */
export function createTokenLife(clock: Clock, grace: number): TokenLife {
  let endsAt = Infinity
  return {
    begin: (ttl) => void (endsAt = ttl === undefined ? Infinity : clock.monotonic() + ttl),
    cutShort(within) {
      const end = clock.monotonic() + within
      if (endsAt <= end) return false
      endsAt = end
      return true
    },
    over: (now) => now >= endsAt + grace,
  }
}
