/** A service that takes a number of requests a second and refuses the rest. It never queues. */
export interface Service {
  takes(time: number): boolean
  /** Requests in each second of the run. */
  readonly asked: Counter
  readonly taken: Counter
}

export interface ServiceOptions {
  /** Requests a second. Infinity: the service is never the bottleneck. */
  readonly capacity: number
  /** The cost of a refusal, as a share of the cost of taking a request. */
  readonly refusalCost?: number
  /** The service refuses everything between these times, ms. */
  readonly down?: { readonly from: number; readonly to: number }
  readonly horizon: number
}

/** Counts in bins of one second. */
export interface Counter {
  add(time: number): void
  readonly bins: Uint32Array
}

export function createCounter(horizon: number): Counter {
  const bins = new Uint32Array(Math.ceil(horizon / 1_000) + 1)
  return {
    add(time) {
      const bin = Math.floor(time / 1_000)
      if (bin < bins.length) bins[bin]!++
    },
    bins,
  }
}

/** Capacity is available in slices of 100 ms, because a server does not take the load of a whole second at once. */
const SLICE = 100

export function createService({ capacity, refusalCost = 0, down, horizon }: ServiceOptions): Service {
  const asked = createCounter(horizon)
  const taken = createCounter(horizon)
  let slice = -1
  let left = 0
  return {
    takes(time) {
      asked.add(time)
      if (down && time >= down.from && time < down.to) return false
      const now = Math.floor(time / SLICE)
      if (now > slice) {
        // A remainder below one request is kept: otherwise a capacity of 9 a second would be none.
        left = Math.min(left, 1) + (capacity * SLICE) / 1_000
        slice = now
      }
      if (left < 1) {
        // Refusals are a debt of at most one slice: without this bound a server that only refuses would never take
        // anything again.
        left = Math.max((-capacity * SLICE) / 1_000, left - refusalCost)
        return false
      }
      left--
      taken.add(time)
      return true
    },
    asked,
    taken,
  }
}
