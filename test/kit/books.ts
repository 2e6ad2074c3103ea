import { createAccount, type Account } from './account.js'

/** The bounds of a gap, as far as books need them. */
export interface GapBounds {
  readonly from: number | null
  readonly to: number | null
}

/**
 * The books of one reader: the numbers that it received, the gaps that were reported to it, when it was not live, and
 * its longest silence. For a live socket (`keepBooks`) or any other client, in Node and in pages.
 *
 * Three programs keep books of their own. The demo judges several publishers at once and each handover separately
 * (`checker.ts`). A test's page records what happened in order, to be read elsewhere (`live-client.ts`). The cluster's
 * clients write every message into a file that is judged at the end (`bench/cluster/record.ts`).
 */
export interface Books {
  arrived(n: number): void
  gap(bounds: GapBounds): void
  live(is: boolean): void
  readonly account: Account
  readonly gaps: readonly GapBounds[]
  readonly isLive: boolean
  /** Milliseconds in which the reader was not live, after it first was. */
  readonly notLive: number
  /** The longest time between two arriving numbers, ms. */
  readonly longestSilence: number
}

/** @param first the first number that is expected, if it is known */
export function createBooks(now: () => number, first?: number): Books {
  const account = createAccount(first)
  const gaps: GapBounds[] = []
  let [heardAt, silence, away, everLive, isLive] = [0, 0, 0, false, false]
  let awaySince: number | null = null
  return {
    arrived(n) {
      const at = now()
      if (account.delivered > 0) silence = Math.max(silence, at - heardAt)
      heardAt = at
      account.arrived(n)
    },
    gap: ({ from, to }) => void gaps.push({ from, to }),
    live(is) {
      if (is && awaySince !== null) away += now() - awaySince
      awaySince = is || !everLive ? null : (awaySince ?? now())
      everLive ||= is
      isLive = is
    },
    account,
    gaps,
    get isLive() {
      return isLive
    },
    get notLive() {
      return away + (awaySince === null ? 0 : now() - awaySince)
    },
    get longestSilence() {
      return silence
    },
  }
}

/** The part of a live socket that its books use. */
interface Kept {
  on(type: 'gap', listener: (gap: GapBounds) => void): unknown
  readonly store: {
    getState(): { readonly status: string }
    subscribe(listener: (state: { readonly status: string }) => void): unknown
  }
}

/**
 * Keeps the books of this socket from now on. The reader itself calls `arrived`, because only it knows where the number
 * is.
 */
export function keepBooks(socket: Kept, now: () => number, first?: number): Books {
  const books = createBooks(now, first)
  socket.on('gap', books.gap)
  books.live(socket.store.getState().status === 'live')
  socket.store.subscribe(({ status }) => books.live(status === 'live'))
  return books
}
