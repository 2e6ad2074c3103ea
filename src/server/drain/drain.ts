import type { ServerLeg } from '../legs/leg-contract.js'
import { checkedDrain, type DrainOptions, type DrainResult } from './drain-options.js'
import { DrainRun, type DrainRunDeps } from './drain-run.js'

/** Drains a server of its legs. */
export interface Drain {
  /** Whether new legs are refused: from the start of a drain until it is cancelled, even after it has ended. */
  readonly refusing: boolean
  /**
   * Starts a drain. While one is under way or done, it returns the same promise. Throws `invalid` for options that make
   * no sense.
   */
  start(options?: DrainOptions): Promise<DrainResult>
  /** Throws `invalid` for options that make no sense. */
  check(options?: DrainOptions): void
  /** Cancels the drain, or only the one with that result. False: there was nothing to cancel. */
  cancel(only?: Promise<DrainResult>): boolean
  /** Makes the deadline now. */
  force(): void
  /** A new leg was refused because of the drain. */
  cameBack(): void
  /** A leg that was asked cannot hand over yet: there is no room for it, for that many milliseconds. */
  delayed(leg: ServerLeg<unknown>, retryAfter: number): void
  /** A leg is gone, for whatever reason. */
  gone(leg: ServerLeg<unknown>): void
  /** The number of legs that have yet to leave. */
  readonly left: number
  /**
   * Milliseconds until all have gone, at the rate at which they leave; at first, at the rate of the options. Null if
   * none leaves.
   */
  readonly takes: number | null
}

export interface DrainDeps extends Omit<DrainRunDeps, 'ended'> {
  /** The welcomed legs. */
  legs(): Iterable<ServerLeg<unknown>>
  /** Refuses connections that are not welcomed yet. */
  refusePending(): void
}

export function createDrain({ legs, refusePending, ...deps }: DrainDeps): Drain {
  const { onEvent } = deps
  let run: DrainRun | null = null
  /** Stops listening to the signal of the run. */
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
    // Cancelled before the event is reported, because a listener may start another drain.
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
      // Reported only now, so that a client that is refused and a readiness check both find the server draining.
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
