import { explain } from '../base/explanation.js'
import { instant, since, type Clock, type Instant, type Random } from '../base/clock.js'
import { reconnectDelay } from '../policy/delay.js'
import { isObject } from '../options/option-table.js'
import type { Position } from '../protocol/frames.js'
import { isPosition } from './topic-arguments.js'

/**
 * The state of a topic as the application's own API has it, and the position up to which it contains the topic's
 * messages.
 */
export interface Snapshot<State> {
  readonly state: State
  readonly position: Position
}

/**
 * Fetches a snapshot. `signal` fires when the answer is no longer wanted; `attempt` counts from 0 the tries for one
 * snapshot. A throw, an answer that is no snapshot, and 30 s without an answer are transient: it is called again, later
 * and later.
 */
export type LoadSnapshot<State> = (ask: {
  readonly signal: AbortSignal
  readonly attempt: number
}) => Promise<Snapshot<State>>

export interface SnapshotLoadHandlers<State> {
  /** Says why it cannot be used; else the load is done. */
  loaded(snapshot: Snapshot<State>): string | null
  /** It is tried again in `retryIn` milliseconds. */
  failed(message: string, retryIn: number, cause?: unknown): void
}

export interface SnapshotLoadDeps {
  readonly clock: Clock
  readonly random: Random
  /** `cap`: how wide the window of the retries may grow, in milliseconds. */
  readonly reconnect: { readonly cap: number }
}

/**
 * Loads until there is a snapshot that can be used. One call at a time; an answer that comes after its time changes
 * nothing.
 */
export interface SnapshotLoad {
  /**
   * Nothing where one is under way. `soon`: after a moment, drawn at random, since a gap may have hit every client at
   * once.
   */
  start(soon: boolean): void
  /** A retry that waits need not wait longer: the server can be reached again, so the API may be too. */
  retry(): void
  stop(): void
  /** What failed before, and what served for how long, is another story's. */
  forget(): void
}

const LOAD_LIMIT = 30_000

/** The first window of a retry, doubled with each failure. */
export const RETRY_SPREAD = 1_000

/** A snapshot that served so long was a good one: what comes next is a new story. */
export const LASTED = 30_000

export function createSnapshotLoad<State>(
  { clock, random, reconnect: { cap } }: SnapshotLoadDeps,
  load: LoadSnapshot<State>,
  handlers: SnapshotLoadHandlers<State>,
): SnapshotLoad {
  /** Gives up what is under way: a call, or the wait for the next one. */
  let undo: (() => void) | null = null
  let waiting = false
  /**
   * In a row: calls that failed, and snapshots that soon led to a gap again, be it the API that lags or a log that
   * keeps too little.
   */
  let troubles = 0
  let attempt = 0
  let doneAt: Instant | null = null

  /** Whoever hears that the former is given up may end all of this, or begin it anew. */
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
      () => fail(explain`had not answered after ${LOAD_LIMIT / 1_000} s and was told to stop by its signal`),
      LOAD_LIMIT,
    )
    const mine = () => {
      cancel()
      call.abort()
    }
    turnTo(mine)
    const ask = { signal: call.signal, attempt: attempt++ }
    // Within an async function a `load` that throws at once is one that rejects.
    void (async () => snapshotOf<State>(await load(ask)))().then(
      (snapshot) => {
        if (undo !== mine) return
        const unusable = typeof snapshot === 'string' ? snapshot : handlers.loaded(snapshot)
        // What is told to the application there may have ended all of this.
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

/** A copy, as what an API client gives may change under our hands; or what is wrong with it. */
export function snapshotOf<State>(answer: unknown): Snapshot<State> | string {
  if (!isObject(answer) || !('state' in answer)) return explain`gave no { state, position }`
  const { state, position } = answer as { state: State; position?: unknown }
  if (!isPosition(position)) return explain`gave a position that is none: { epoch, offset } as a message bears them`
  const { epoch, offset } = position
  return { state, position: { epoch, offset } }
}
