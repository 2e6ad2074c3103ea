import { seededRandom } from '../../src/testing/seeded-random.js'
import { gridChart, type Grid } from '../kit/grid-chart.js'
import { before, livesocket, peers, type ClientPolicy } from './client-policy.js'
import { quantile } from './measures.js'
import type { FleetSettings } from './options.js'
import { simulateReturn } from './returns.js'
import { kindOf } from './scenarios.js'
import { count, duration } from './table.js'

/** The result of a crash of all servers, at one spread and one capacity. Milliseconds. */
export interface Cell {
  readonly policy: string
  /** Null: the library has no spread. */
  readonly spread: number | null
  /** As a multiple of the capacity that greets everybody in 30 s. */
  readonly capacity: number
  /** The lower bound: the servers are down, and then they greet all clients, or the spread ends, whichever is later. */
  readonly ideal: number
  /** The time until 99 % are live again. Null: not within four times the ideal. */
  readonly recovered99: number | null
  readonly dialsPerClient: number
  /** The share of all calls for a greeting whose client had left. */
  readonly wastedShare: number
}

const NEED = 30_000
const DOWN = 3_000
export const SPREADS = [1, 2, 5, 10, 30, 60, 120].map((seconds) => seconds * 1_000)
export const CAPACITIES = [0.2, 0.5, 1, 2, 5]
/** Above this many times the ideal, something other than capacity delays the recovery. */
export const METASTABLE = 3
/** How long a run lasts at most, as a multiple of the ideal. */
const LOOKED = 4

/** Simulates one server with its share of the users: all servers are alike, and each sees what it would see alone. */
export function cell(
  { clients, nodes, dial, seed }: Pick<FleetSettings, 'clients' | 'nodes' | 'dial' | 'seed'>,
  policy: ClientPolicy,
  spread: number | null,
  capacity: number,
): Cell {
  const share = Math.ceil(clients / nodes)
  const ideal = DOWN + Math.max(NEED / capacity, spread ?? 0)
  const seen = simulateReturn({
    clients: share,
    nodes: 1,
    kind: kindOf(policy),
    policy,
    random: seededRandom(seed),
    horizon: LOOKED * ideal,
    accepts: (share / NEED) * 1_000 * capacity,
    authenticates: Infinity,
    redis: Infinity,
    spread: spread ?? 0,
    down: DOWN,
    dial,
  })
  return {
    policy: policy.name,
    spread,
    capacity,
    ideal,
    recovered99: quantile(seen.recoveries, 0.99, share),
    dialsPerClient: seen.dials.bins.reduce((sum, dials) => sum + dials, 0) / share,
    wastedShare: seen.wasted / Math.max(1, seen.calls),
  }
}

/** All cells: each spread for policies that have one, otherwise the library with its own rule. */
export function region(settings: FleetSettings, told: (cell: Cell) => void = () => undefined): Cell[] {
  const cells: Cell[] = []
  const add = (policy: ClientPolicy, spread: number | null, capacity: number) => {
    const seen = cell(settings, policy, spread, capacity)
    cells.push(seen)
    told(seen)
  }
  for (const policy of [livesocket, before])
    for (const spread of SPREADS) for (const capacity of CAPACITIES) add(policy, spread, capacity)
  for (const policy of peers) for (const capacity of CAPACITIES) add(policy, null, capacity)
  return cells
}

export const timesIdeal = ({ recovered99, ideal }: Cell): number | null =>
  recovered99 === null ? null : recovered99 / ideal

export const isMetastable = (one: Cell): boolean => (timesIdeal(one) ?? Infinity) > METASTABLE

export function regionChart(cells: readonly Cell[], { clients, nodes }: FleetSettings): string {
  const grid = (name: string, of: readonly Cell[], row: (cell: Cell) => string): Grid => ({
    name,
    rows: [...new Set(of.map(row))],
    columns: CAPACITIES.map((capacity) => `${capacity} ×`),
    cells: of.map((one) => ({
      row: row(one),
      column: `${one.capacity} ×`,
      label: duration(one.recovered99),
      value: timesIdeal(one),
    })),
  })
  const withSpread = ({ name }: ClientPolicy) => cells.filter(({ policy }) => policy === name)
  const others = cells.filter(({ spread }) => spread === null)
  const bySpread = ({ spread }: Cell) => `spread ${duration(spread)}`
  return gridChart({
    title: `Until 99 % of ${count(clients)} users are live again after a crash of all ${count(nodes)} servers`,
    subtitle: 'by what the servers can greet, in multiples of what brings all back in 30 s',
    steps: [1.3, 2, METASTABLE],
    stepName: 'times the ideal',
    grids: [
      grid('LiveSocket', withSpread(livesocket), bySpread),
      grid(
        'LiveSocket without admission: a fixed spread, and servers that only limit their sockets',
        withSpread(before),
        bySpread,
      ),
      grid('Other libraries, and servers that only queue', others, ({ policy }) => policy),
    ],
  })
}
