import type { Random } from '../../src/base/clock.js'
import { spreadDelay } from '../../src/policy/delay.js'
import { askingRate, createDrainRate } from '../../src/server/drain/drain-rate.js'
import { createCounter, type Counter } from './capacity.js'
import type { FleetSettings } from './options.js'

export interface Moves {
  readonly dials: Counter
  readonly moved: number
  /** From the first request to the last welcome, ms. */
  readonly took: number
}

const BEGIN = 30_000
/** The time of a frame from the server to a client, ms: most clients are near, some are on a phone. */
const ONE_WAY = { near: 5, far: 60 }
/** The time in which a drained node stops, is replaced and takes part again, ms. */
const RESTART = 5_000

/**
 * One node asks its legs to hand over, at the pace of the server's own drain; each client spreads as the request says.
 */
export function simulateDrain({ legs, rate, dial }: FleetSettings, random: Random, horizon: number): Moves {
  const dials = createCounter(horizon)
  let last = BEGIN
  drain(legs, rate, BEGIN, dial, random, (_, dialled, welcome) => {
    dials.add(dialled)
    last = Math.max(last, welcome)
  })
  return { dials, moved: legs, took: last - BEGIN }
}

/**
 * M nodes, one after the other. A balancer that knows nothing of versions puts each leg on any other node, also on
 * nodes that are still to be drained, and those clients hand over again. `movesPerClient` counts this; the `url` of a
 * drain avoids it.
 */
export function simulateRollingDeploy(
  { clients, nodes, rate, dial }: FleetSettings,
  random: Random,
  horizon: number,
): Moves {
  const dials = createCounter(horizon)
  const legsOf: number[][] = Array.from({ length: nodes }, () => [])
  for (let client = 0; client < clients; client++) legsOf[client % nodes]!.push(client)
  let now = BEGIN
  let moved = 0
  for (let node = 0; node < nodes; node++) {
    const leaving = legsOf[node]!
    legsOf[node] = []
    let last = now
    drain(leaving.length, rate, now, dial, random, (leg, dialled, welcome) => {
      dials.add(dialled)
      last = Math.max(last, welcome)
      let target = Math.floor(random() * (nodes - 1))
      if (target >= node) target++
      legsOf[target]!.push(leaving[leg]!)
    })
    moved += leaving.length
    now = last + RESTART
  }
  return { dials, moved, took: now - RESTART - BEGIN }
}

function drain(
  legs: number,
  rate: number,
  begin: number,
  dialTime: number,
  random: Random,
  moved: (leg: number, dialled: number, welcome: number) => void,
) {
  let now = begin
  const limit = createDrainRate(askingRate(rate), () => now)
  const deadline = (legs / rate) * 2_000 + 30_000
  for (let leg = 0; leg < legs; leg++) {
    // Timers have whole milliseconds.
    now += Math.ceil(limit.wait())
    limit.took()
    const asked = now + ONE_WAY.near + (ONE_WAY.far - ONE_WAY.near) * random() ** 2
    const dialled = asked + spreadDelay({ deadline: deadline - (now - begin), dialTime: 3 * dialTime }, random)
    moved(leg, dialled, dialled + dialTime * (0.5 + random()))
  }
}
