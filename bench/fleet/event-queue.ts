/** The next event of up to `slots` clients, at most one event each. Times are milliseconds from 0. */
export interface EventQueue {
  /** Sets the event of `slot`, which must have none. Events past the horizon are dropped: the run is over by then. */
  set(slot: number, time: number): void
  timeOf(slot: number): number
  /** Passes every event to `happen`. The order is exact only to the width of a bucket. */
  run(happen: (slot: number, time: number) => void): void
}

/**
 * A calendar queue: one bucket for every 10 ms, each a linked list in two typed arrays. Setting and taking an event
 * cost the same for ten events and for ten million, and allocate nothing. With a heap of a million objects, garbage
 * collection would dominate the run.
 */
export function createEventQueue(slots: number, horizon: number): EventQueue {
  const WIDTH = 10
  const EMPTY = -1
  const buckets = new Int32Array(Math.ceil(horizon / WIDTH) + 1).fill(EMPTY)
  const following = new Int32Array(slots).fill(EMPTY)
  const times = new Float64Array(slots)
  let present = 0
  return {
    set(slot, time) {
      times[slot] = time
      if (time >= horizon) return
      const bucket = Math.max(present, Math.floor(time / WIDTH))
      following[slot] = buckets[bucket]!
      buckets[bucket] = slot
    },
    timeOf: (slot) => times[slot]!,
    run(happen) {
      for (present = 0; present < buckets.length; present++) {
        // `happen` may set events in this same bucket, so events are taken from its head until it is empty.
        for (let slot = buckets[present]!; slot !== EMPTY; slot = buckets[present]!) {
          buckets[present] = following[slot]!
          happen(slot, times[slot]!)
        }
      }
    },
  }
}
