import { createAccount, type Account } from './account.js'

/**
 * Compares what publishers sent with what each client's application got. It looks at nothing else: no frame, no socket,
 * no counter of the library under test. It runs in Node and in the demo page, and its memory does not grow with the
 * messages.
 */
export interface Checker {
  /** A publisher sent its message number `n`; numbers count from 1 without holes. */
  sent(publisher: string, n: number): void
  /**
   * One client's application, whose messages are to be judged. Its results are summed under `group`. Of the publishers
   * in `expects` it should get everything that is sent from now on; of others everything after the first message that
   * it got.
   */
  client(group: string, expects?: readonly string[]): CheckedClient
  /** Nothing more is looked at: the last handover of each client ends here. */
  end(): void
  summary(group: string): Summary
}

export interface CheckedClient {
  /**
   * `publisher`'s message number `n` arrived; `offset` tells a message that was delivered twice from one that was
   * applied twice.
   */
  delivered(publisher: string, n: number, offset?: number): void
  /** The application was told that `publisher`'s messages from `from` to `to`, both inclusive, are missing. */
  gap(publisher: string, from: number | null, to: number | null): void
  /** The application saw the connection as live, or not. */
  live(live: boolean): void
  /**
   * The client was asked to hand over, or was closed: what it is silent from here to its next handover is this one's.
   */
  moving(): void
}

export interface Summary {
  readonly clients: number
  readonly delivered: number
  /** Sent, expected, and never delivered. */
  readonly lost: number
  readonly repeated: number
  /** Of the repeated: the same message under a second offset, so the log has it twice. */
  readonly appliedTwice: number
  readonly reordered: number
  readonly gaps: number
  /**
   * Messages that were lost without being in a gap, or that a gap named and that came all the same. 0: every gap was
   * exact.
   */
  readonly unexplained: number
  /** Milliseconds of all clients together in which the application was not live, after it first was. */
  readonly notLive: number
  /** The longest time between two deliveries in each handover of each client, in milliseconds, sorted. */
  readonly silences: readonly number[]
}

/** One publisher as one client sees it. */
interface Sequence {
  readonly account: Account
  readonly offsets: Map<number, number>
}

/** How many offsets are remembered per sequence: a repeat comes soon or not at all. */
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
        // A silence that still lasts counts as long as it is, here and wherever it ends.
        if (moved) silences.push(Math.max(longest, now() - (lastAt ?? 0)))
        moved = true
        longest = 0
      },
      sums() {
        const all = { delivered: 0, lost: 0, repeated: 0, reordered: 0 }
        let explained = 0
        let named = 0
        for (const [publisher, { account }] of sequences) {
          // What a later one has overtaken is missing, also where its publisher has not told yet that it was sent.
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

/** The middle of sorted numbers; NaN where there are none. */
export function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
