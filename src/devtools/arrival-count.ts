import type { Clock } from '../base/clock.js'
import type { LiveConnection } from '../socket/live-connection.js'
import type { LegHistory } from './leg-history.js'
import { createRing } from './ring.js'

/** Messages that came at about the same time on one leg, by what happened to them. */
export interface Arrival {
  readonly at: number
  readonly leg: number
  delivered: number
  duplicates: number
  held: number
}

/** Milliseconds: arrivals on one leg that are closer than this count as one. */
const AT_ONCE = 20
const ARRIVALS = 6_000
/** Milliseconds between counts where single frames cannot be observed. */
const COUNT_EVERY = 250

/** Counts incoming messages by time and leg. @param now milliseconds since the recording began. */
export function createArrivalCount(socket: LiveConnection, history: LegHistory, clock: Clock, now: () => number) {
  const arrivals = createRing<Arrival>(ARRIVALS)
  let counted = socket.stats()
  let lastFrame: { at: number; leg: number } | null = null

  /** The change of the counters since the last look is attributed to the last frame. */
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
    /** A frame has arrived on that leg. */
    frame: (leg: number) => void (lastFrame = { at: now(), leg }),
    stop: () => stop(),
  }
}
