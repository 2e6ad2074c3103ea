import type { ServerLeg } from '../legs/leg-contract.js'
import { checkedDrain, type DrainOptions, type DrainResult } from './drain-options.js'
import { DrainRun, type DrainRunDeps } from './drain-run.js'

/** Empties a server of its legs. */
export interface Drain {
  /** Whether new legs are refused: from the start of a drain on, and after it, until it is cancelled. */
  readonly refusing: boolean
  /** While one is going on, or is done, the same promise. Throws `invalid` for options that make no sense. */
  start(options?: DrainOptions): Promise<DrainResult>
  /** Throws `invalid` for options that make no sense. */
  check(options?: DrainOptions): void
  /** Whichever there is, or the one of that result alone. False: there was nothing to cancel. */
  cancel(only?: Promise<DrainResult>): boolean
  /** The deadline is now. */
  force(): void
  /** A new leg was refused because of it. */
  cameBack(): void
  /** A leg that was asked cannot hand over yet: there is no room for it, for so many milliseconds. */
  delayed(leg: ServerLeg<unknown>, retryAfter: number): void
  /** A leg is gone, for whatever reason. */
  gone(leg: ServerLeg<unknown>): void
  /** Legs that are still to go. */
  readonly left: number
  /**
   * Milliseconds until they have gone, at the pace at which they leave, at first at the rate; null: they do not leave.
   */
  readonly takes: number | null
}

export interface DrainDeps extends Omit<DrainRunDeps, 'ended'> {
  /** The welcomed legs. */
  legs(): Iterable<ServerLeg<unknown>>
  /** Refuses those that are not welcomed yet. */
  refusePending(): void
}

export function createDrain({ legs, refusePending, ...deps }: DrainDeps): Drain {
  const { onEvent } = deps
  let run: DrainRun | null = null
  /** The signal of the run, and what listens to it. */
  let unlisten: () => void = () => undefined

  function ended(over: DrainRun) {
    unlisten()
    if (over === run) onEvent({ type: 'drain-finished', ...over.counts })
  }

  function listen(signal: AbortSignal | undefined) {
    const abort = () => void cancel()
    signal?.addEventListener('abort', abort, { once: true })
    unlisten = () => signal?.removeEventListener('abort', abort)
  }

  function cancel(only?: Promise<DrainResult>): boolean {
    if (!run || (only && run.result !== only)) return false
    const cancelled = run
    run = null
    const left = cancelled.remaining.size
    // First: who hears of it may begin another one.
    cancelled.cancel()
    onEvent({ type: 'drain-cancelled', left })
    return true
  }

  return {
    get refusing() {
      return run !== null
    },
    start(options = {}) {
      if (run) return run.result
      const count = [...legs()].length
      const checked = checkedDrain(options, count)
      if (options.signal?.aborted) return Promise.resolve({ moved: 0, forced: 0 })
      const started = new DrainRun(legs(), checked, { ...deps, ended })
      run = started
      listen(checked.signal)
      // Only now: whoever is refused, and whoever asks for readiness, finds the server draining already.
      onEvent({ type: 'drain-started', legs: count, reason: checked.reason })
      if (run === started) {
        refusePending()
        started.go()
      }
      return started.result
    },
    check: (options = {}) => void checkedDrain(options, 0),
    cancel,
    force: () => run?.force(),
    cameBack: () => run?.cameBack(),
    delayed: (leg, retryAfter) => run?.delayed(leg, retryAfter),
    gone: (leg) => run?.gone(leg),
    get left() {
      return run?.remaining.size ?? 0
    },
    get takes() {
      return run ? run.takes : 0
    },
  }
}
