/**
 * * An identity service behind a pool of connections: it takes a number of calls a second, in order of arrival, and
 * finishes every call that it has begun, even if the caller has left. It keeps its own time: if this process is late,
 * the answers arrive late, but the service has gone on meanwhile.
 */
export interface Backend {
  /** Resolves once the call is done. An aborted `signal` means that nobody waits for the answer. */
  call(signal: AbortSignal | undefined): Promise<void>
  /** From now on the service takes this many calls a second. Infinity: without a limit. */
  limit(perSecond: number): void
  readonly calls: number
  /** Calls that finished after their caller had left. */
  readonly wasted: number
}

/** How long one call takes, ms. */
const CALL = 500

/** @param heeds whether the service drops a waiting call whose caller has left */
export function createBackend(heeds: boolean): Backend {
  const queue: { readonly at: number; readonly signal: AbortSignal | undefined; done(): void }[] = []
  let width = Number.POSITIVE_INFINITY
  let running = 0
  let calls = 0
  let wasted = 0

  /** @param free the time at which a connection of the pool became free, ms */
  function next(free: number) {
    while (running < width && queue.length > 0) {
      const { at, signal, done } = queue.shift()!
      if (heeds && signal?.aborted) {
        done()
        continue
      }
      running++
      const ends = Math.max(at, free) + CALL
      setTimeout(() => {
        running--
        calls++
        if (signal?.aborted) wasted++
        done()
        next(ends)
      }, ends - performance.now())
    }
  }

  return {
    async call(signal) {
      if (width === Number.POSITIVE_INFINITY) return
      await new Promise<void>((done) => {
        const at = performance.now()
        queue.push({ at, signal, done })
        next(at)
      })
    },
    limit: (perSecond) => void (width = (perSecond * CALL) / 1_000),
    get calls() {
      return calls
    },
    get wasted() {
      return wasted
    },
  }
}
