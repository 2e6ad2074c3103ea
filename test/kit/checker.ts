import { createAccount, type Account } from './account.js'

/**
 * Compares what publishers sent with what each client's application received. It looks at nothing else: no frame, no
 * socket, no counter of the library under test. It runs in Node and in the demo page, and its memory does not grow with
 * the number of messages.
 */
export interface Checker {
  /** A publisher sent its message number `n`. Numbers count from 1 without holes. */
  sent(publisher: string, n: number): void
  /**
   * Adds a client's application whose messages are judged. Its results are summed under `group`. From the publishers in
   * `expects` it should get everything that they send from now on; from others everything after the first message that
   * it got.
   */
  client(group: string, expects?: readonly string[]): CheckedClient
  /** Ends the run, and with it the last handover of each client. */
  end(): void
  summary(group: string): Summary
}

export interface CheckedClient {
  /**
   * `publisher`'s message number `n` arrived. The `offset` tells a message that was delivered twice from one that was
   * applied twice.
   */
  delivered(publisher: string, n: number, offset?: number): void
  /** The application received a gap: `publisher`'s messages from `from` to `to`, both inclusive, are missing. */
  gap(publisher: string, from: number | null, to: number | null): void
  /** The application saw the connection become live, or stop being live. */
  live(live: boolean): void
  /**
   * The client was asked to hand over, or was closed. Its silences from now until its next handover count for this
   * handover.
   */
  moving(): void
}

export interface Summary {
  readonly clients: number
  readonly delivered: number
  /** Messages that were sent and expected, and never delivered. */
  readonly lost: number
  readonly repeated: number
  /** Repeated messages that arrived under a second offset: the log has them twice. */
  readonly appliedTwice: number
  readonly reordered: number
  readonly gaps: number
  /** Lost messages that no gap named, and messages in a gap that arrived anyway. 0 means that every gap was exact. */
  readonly unexplained: number
  /** Milliseconds in which applications were not live, after they first were; the sum of all clients. */
  readonly notLive: number
  /** The longest time between two deliveries in each handover of each client, ms, sorted. */
  readonly silences: readonly number[]
}

/** The sequence of one publisher, as one client sees it. */
interface Sequence {
  readonly account: Account
  readonly offsets: Map<number, number>
}

/** How many offsets are kept for each sequence: a repeat comes soon or not at all. */
const REMEMBERED = 256

const startAt = (first?: number): Sequence => ({ account: createAccount(first), offsets: new Map() })

export function createChecker(now: () => number): Checker {
  const sent = new Map<string, number>()
  const clients: (CheckedClient & { readonly group: string; sums(): Omit<Summary, 'clients'> })[] = []

  const createClient = (group: string, expects: readonly string[] = []) => {
    const sequences = new Map(expects.map((publisher) => [publisher, startAt((sent.get(publisher) ?? 0) + 1)]))
    const silences: number[] = []
    let appliedTwice = 0
    const gaps: { publisher: string; from: number; to: number }[] = []
    let lastAt: number | null = null
    let longest = 0
    let moved = false
    let everLive = false
    let deadSince: number | null = null
    let notLive = 0

    const client = {
      group,
      delivered(publisher: string, n: number, offset?: number) {
        const at = now()
        if (lastAt !== null) longest = Math.max(longest, at - lastAt)
        lastAt = at
        const known = sequences.get(publisher) ?? startAt()
        sequences.set(publisher, known)
        if (known.account.arrived(n) === 'repeated') {
          const first = known.offsets.get(n)
          if (first !== undefined && offset !== undefined && first !== offset) appliedTwice++
        } else if (offset !== undefined) {
          known.offsets.set(n, offset)
          known.offsets.delete(n - REMEMBERED)
        }
      },
      gap(publisher: string, from: number | null, to: number | null) {
        gaps.push({ publisher, from: from ?? 0, to: to ?? -1 })
      },
      live(live: boolean) {
        if (live) {
          if (deadSince !== null) notLive += now() - deadSince
          deadSince = null
          everLive = true
        } else if (everLive) {
          deadSince ??= now()
        }
      },
      moving() {
        // A silence that still lasts counts with its present length, for this handover and for the one in which it
        // ends.
        if (moved) silences.push(Math.max(longest, now() - (lastAt ?? 0)))
        moved = true
        longest = 0
      },
      sums() {
        const all = { delivered: 0, lost: 0, repeated: 0, reordered: 0 }
        let explained = 0
        let named = 0
        for (const [publisher, { account }] of sequences) {
          // A message that a later one has overtaken is missing, even if its publisher has not yet reported it as sent.
          const last = Math.max(account.newest, sent.get(publisher) ?? 0)
          all.delivered += account.delivered
          all.lost += account.lost(last)
          all.repeated += account.repeated
          all.reordered += account.reordered
          const told = gaps.filter((gap) => gap.publisher === publisher)
          if (told.length === 0) continue
          explained += account.missing(last).filter((n) => told.some(({ from, to }) => from <= n && n <= to)).length
          named += told.reduce((sum, { from, to }) => sum + (to - from + 1), 0)
        }
        const unexplained = all.lost - explained + (named - explained)
        const dead = deadSince === null ? 0 : now() - deadSince
        return {
          ...all,
          appliedTwice,
          gaps: gaps.length,
          unexplained,
          notLive: notLive + dead,
          silences,
        }
      },
    }
    clients.push(client)
    return client
  }

  return {
    sent: (publisher, n) => void sent.set(publisher, Math.max(n, sent.get(publisher) ?? 0)),
    client: createClient,
    end() {
      for (const client of clients) client.moving()
    },
    summary(group) {
      const all = clients.filter((client) => client.group === group).map((client) => client.sums())
      const sum = (
        field: 'delivered' | 'lost' | 'repeated' | 'appliedTwice' | 'reordered' | 'gaps' | 'unexplained' | 'notLive',
      ) => all.reduce((total, sums) => total + sums[field], 0)
      return {
        clients: all.length,
        delivered: sum('delivered'),
        lost: sum('lost'),
        repeated: sum('repeated'),
        appliedTwice: sum('appliedTwice'),
        reordered: sum('reordered'),
        gaps: sum('gaps'),
        unexplained: sum('unexplained'),
        notLive: sum('notLive'),
        silences: all.flatMap((sums) => sums.silences).sort((a, b) => a - b),
      }
    },
  }
}

/** The median of sorted numbers, or NaN if there are none. */
export function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
