import { explain } from '../base/explanation.js'
import { instant, since, type Clock, type Instant, type Random } from '../base/clock.js'
import { reconnectDelay } from '../policy/delay.js'
import { isObject } from '../options/option-table.js'
import type { Position } from '../protocol/frames.js'
import { isPosition } from './topic-arguments.js'

/**
 * The state of a topic as the application's own API has it, and the position up to which that state contains the
 * topic's messages.
 */
export interface Snapshot<State> {
  readonly state: State
  readonly position: Position
}

/**
 * Fetches a snapshot. `signal` fires when the answer is not wanted any more; `attempt` counts the tries for one
 * snapshot from 0. A throw, an answer that is no snapshot, and 30 s without an answer are temporary failures: the
 * function is called again, with growing delays.
 */
export type LoadSnapshot<State> = (ask: {
  readonly signal: AbortSignal
  readonly attempt: number
}) => Promise<Snapshot<State>>

export interface SnapshotLoadHandlers<State> {
  /** Returns why the snapshot cannot be used, or null if it was used and the load is done. */
  loaded(snapshot: Snapshot<State>): string | null
  /** The load failed and is retried in `retryIn` milliseconds. */
  failed(message: string, retryIn: number, cause?: unknown): void
}

export interface SnapshotLoadDeps {
  readonly clock: Clock
  readonly random: Random
  /** `cap`: how wide the window of the retries may grow, in milliseconds. */
  readonly reconnect: { readonly cap: number }
}

/**
 * Loads until there is a usable snapshot. It makes one call at a time; an answer that comes after its time limit is
 * ignored.
 */
export interface SnapshotLoad {
  /**
   * Does nothing while a load is under way. `soon`: starts after a random delay instead of at once, since a gap may
   * have hit every client at the same time.
   */
  start(soon: boolean): void
  /** Makes a waiting retry run now: the server can be reached again, so the API may be too. */
  retry(): void
  stop(): void
  /** Forgets earlier failures and how long the last snapshot lasted: they say nothing about a new session. */
  forget(): void
}

const LOAD_LIMIT = 30_000

/** Milliseconds: the window of the first retry. It doubles with each failure. */
export const RETRY_SPREAD = 1_000

/** Milliseconds. After a snapshot that lasted this long, the next gap counts as the first trouble. */
export const LASTED = 30_000

export function createSnapshotLoad<State>(
  { clock, random, reconnect: { cap } }: SnapshotLoadDeps,
  load: LoadSnapshot<State>,
  handlers: SnapshotLoadHandlers<State>,
): SnapshotLoad {
  /** Cancels what is under way: a call, or the wait for the next one. */
  let undo: (() => void) | null = null
  let waiting = false
  /**
   * How many troubles followed each other: failed calls, and snapshots that soon led to another gap, because the API
   * lags or the log keeps too little.
   */
  let troubles = 0
  let attempt = 0
  let doneAt: Instant | null = null

  /** `undo` is set before the former one is called: its abort listeners may stop this load or start it anew. */
  function turnTo(next: (() => void) | null) {
    const former = undo
    undo = next
    former?.()
  }

  function wait(failures: number, early = false): number {
    const delay = reconnectDelay({ failures, early, spread: RETRY_SPREAD, cap }, random)
    waiting = true
    turnTo(clock.setTimeout(run, delay))
    return delay
  }

  function run() {
    waiting = false
    const call = new AbortController()
    const cancel = clock.setTimeout(
      () => fail(explain`did not answer within ${LOAD_LIMIT / 1_000} s, and its signal was aborted`),
      LOAD_LIMIT,
    )
    const mine = () => {
      cancel()
      call.abort()
    }
    turnTo(mine)
    const ask = { signal: call.signal, attempt: attempt++ }
    // The async function turns a `load` that throws synchronously into one that rejects.
    void (async () => snapshotOf<State>(await load(ask)))().then(
      (snapshot) => {
        if (undo !== mine) return
        const unusable = typeof snapshot === 'string' ? snapshot : handlers.loaded(snapshot)
        // A listener that `loaded` called may have stopped this load.
        if (undo !== mine) return
        if (unusable !== null) return fail(unusable)
        cancel()
        undo = null
        attempt = 0
        doneAt = instant(clock)
      },
      (thrown: unknown) => {
        if (undo === mine) fail('threw', thrown)
      },
    )
  }

  function fail(why: string, cause?: unknown) {
    handlers.failed(why, wait(troubles++), cause)
  }

  return {
    start(soon) {
      if (undo) return
      if (doneAt) troubles = since(clock, doneAt) < LASTED ? troubles + 1 : 0
      doneAt = null
      if (soon) wait(Math.max(0, troubles - 1), troubles === 0)
      else run()
    },
    retry() {
      if (undo && waiting) run()
    },
    stop: () => turnTo(null),
    forget() {
      troubles = attempt = 0
      doneAt = null
    },
  }
}

/**
 * A copy of the snapshot, because an API client may change its object later; or a text that says what is wrong with it.
 */
export function snapshotOf<State>(answer: unknown): Snapshot<State> | string {
  if (!isObject(answer) || !('state' in answer)) return explain`gave no { state, position }`
  const { state, position } = answer as { state: State; position?: unknown }
  if (!isPosition(position))
    return explain`gave an invalid position: it must be { epoch, offset }, as a message has them`
  const { epoch, offset } = position
  return { state, position: { epoch, offset } }
}
