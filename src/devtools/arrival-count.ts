import type { Clock } from '../base/clock.js'
import type { LiveConnection } from '../socket/live-connection.js'
import type { LegHistory } from './leg-history.js'
import { createRing } from './ring.js'

/** What became of messages that came within one moment. */
export interface Arrival {
  readonly at: number
  readonly leg: number
  delivered: number
  duplicates: number
  held: number
}

/** Arrivals within so many ms on one leg are one. */
const AT_ONCE = 20
const ARRIVALS = 6_000
/** How often what came in is counted where single frames are not seen, ms. */
const COUNT_EVERY = 250

/** What came in, by moment and by leg. @param now since the recording began. */
export function createArrivalCount(socket: LiveConnection, history: LegHistory, clock: Clock, now: () => number) {
  const arrivals = createRing<Arrival>(ARRIVALS)
  let counted = socket.stats()
  let lastFrame: { at: number; leg: number } | null = null

  /** What the counters say has happened since they were last looked at is what the last frame did. */
  function count() {
    const stats = socket.stats()
    const delivered = stats.delivered - counted.delivered
    const duplicates = stats.duplicates - counted.duplicates
    const held = stats.held - counted.held
    counted = stats
    if (delivered + duplicates + held <= 0) return
    const { at, leg } = lastFrame ?? { at: now(), leg: socket.store.getState().leg?.number ?? 0 }
    const before = arrivals.last()
    const same = before && before.leg === leg && at - before.at < AT_ONCE ? before : undefined
    if (!same) arrivals.push({ at, leg, delivered, duplicates, held })
    for (const sum of [same, history.get(leg)]) {
      if (!sum) continue
      sum.delivered += delivered
      sum.duplicates += duplicates
      sum.held += held
    }
  }

  let stop = clock.setTimeout(function next() {
    count()
    lastFrame = null
    stop = clock.setTimeout(next, COUNT_EVERY)
  }, COUNT_EVERY)

  return {
    arrivals,
    count,
    /** A frame has come on that leg. */
    frame: (leg: number) => void (lastFrame = { at: now(), leg }),
    stop: () => stop(),
  }
}
