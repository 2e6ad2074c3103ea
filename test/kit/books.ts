import { createAccount, type Account } from './account.js'

/** What a gap says of itself, as far as books have it. */
export interface GapBounds {
  readonly from: number | null
  readonly to: number | null
}

/**
 * The books of one reader: the numbers that it was given, the gaps that it was told of, when it was not live, and how
 * long it heard nothing. In Node and in pages, of a live socket (`keepBooks`) or of any other client.
 *
 * Three keep books of their own. The demo judges several publishers at once and each handover by itself (`checker.ts`),
 * a test's page writes down what happened in its order, to be read elsewhere (`live-client.ts`), and the cluster's
 * clients write every message into a file, which is judged when all is over (`bench/cluster/record.ts`).
 */
export interface Books {
  arrived(n: number): void
  gap(bounds: GapBounds): void
  live(is: boolean): void
  readonly account: Account
  readonly gaps: readonly GapBounds[]
  readonly isLive: boolean
  /** Milliseconds in which it was not live, since it first was. */
  readonly notLive: number
  /** The longest time between two numbers that came, ms. */
  readonly longestSilence: number
}

/** @param first the first number that is to come, where it is known. */
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

/** A live socket, as far as its books are concerned. */
interface Kept {
  on(type: 'gap', listener: (gap: GapBounds) => void): unknown
  readonly store: {
    getState(): { readonly status: string }
    subscribe(listener: (state: { readonly status: string }) => void): unknown
  }
}

/** Keeps them for this socket from now on. What arrives its reader enters, who knows where the number is. */
export function keepBooks(socket: Kept, now: () => number, first?: number): Books {
  const books = createBooks(now, first)
  socket.on('gap', books.gap)
  books.live(socket.store.getState().status === 'live')
  socket.store.subscribe(({ status }) => books.live(status === 'live'))
  return books
}
