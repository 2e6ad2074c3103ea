/** A service that takes so many requests and refuses the rest: in its own time, never by queueing. */
export interface Service {
  takes(time: number): boolean
  /** Requests of each second of the run. */
  readonly asked: Counter
  readonly taken: Counter
}

export interface ServiceOptions {
  /** Requests a second; Infinity for a service that is never the bottleneck. */
  readonly capacity: number
  /** What a refusal costs, as a share of what taking one costs. */
  readonly refusalCost?: number
  /** Refuses everything from … to … . Milliseconds. */
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

/** Capacity is dealt out in tenths of a second: a server does not take a whole second's load at once. */
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
        // What a slice leaves below one request is kept, or a capacity of 9 a second would be none.
        left = Math.min(left, 1) + (capacity * SLICE) / 1_000
        slice = now
      }
      if (left < 1) {
        // A server that only refuses takes nothing: the debt ends at one slice, or no storm would ever end.
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
