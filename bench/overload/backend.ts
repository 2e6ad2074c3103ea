/**
 * An identity service behind a pool of connections: it takes so many calls a second, in order of arrival, and finishes what it was asked, whoever has left.
 * It keeps its own time: where the process that it is in is late, its answers are heard late, and it has gone on meanwhile.
 */
export interface Backend {
  /** Resolves once the call is done. `signal`: whether somebody still waits then. */
  call(signal: AbortSignal | undefined): Promise<void>
  /** From now on it takes so many a second; Infinity: as many as come. */
  limit(perSecond: number): void
  readonly calls: number
  /** Calls that were done when nobody waited any more. */
  readonly wasted: number
}

/** What one call takes. */
const CALL = 500

/** @param heeds whether a call that is not begun yet is dropped once nobody waits for it. */
export function createBackend(heeds: boolean): Backend {
  const queue: { readonly at: number; readonly signal: AbortSignal | undefined; done(): void }[] = []
  let width = Number.POSITIVE_INFINITY
  let running = 0
  let calls = 0
  let wasted = 0

  /** @param free since when there is room, ms. */
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
