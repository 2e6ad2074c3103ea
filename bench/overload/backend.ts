/** An identity service behind a pool of connections: it takes so many calls a second, in order of arrival, and finishes what it was asked, whoever has left. */
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
  const queue: { readonly signal: AbortSignal | undefined; done(): void }[] = []
  let width = Number.POSITIVE_INFINITY
  let running = 0
  let calls = 0
  let wasted = 0

  function next() {
    while (running < width && queue.length > 0) {
      const { signal, done } = queue.shift()!
      if (heeds && signal?.aborted) {
        done()
        continue
      }
      running++
      setTimeout(() => {
        running--
        calls++
        if (signal?.aborted) wasted++
        done()
        next()
      }, CALL)
    }
  }

  return {
    async call(signal) {
      if (width === Number.POSITIVE_INFINITY) return
      await new Promise<void>((done) => {
        queue.push({ signal, done })
        next()
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
