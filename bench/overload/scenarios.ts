/** What happens to servers that can greet only a limited number of clients a second. Milliseconds. */
export type Scenario = {
  readonly name: string
  readonly title: string
  readonly clients: number
  /** Greetings a second of each server that takes clients. */
  readonly perSecond: number
  /** Whether the identity service drops calls whose signal is aborted. */
  readonly heeds?: boolean
  /** The longest that the scenario lasts. */
  readonly limit: number
} & (
  | {
      readonly kind: 'crash'
      /** The spread that the servers advertise. Absent: none is configured. */
      readonly spread?: number
      /** The first connections met the same capacity, as in a running fleet. */
      readonly lived?: boolean
    }
  | {
      readonly kind: 'drain'
      /** How many servers are drained at once into the one that takes all clients. */
      readonly nodes: number
      /** The rate and the deadline of each drain. */
      readonly rate: number
      readonly deadline: number
      readonly extendable?: boolean
    }
)

const crash = (clients: number, perSecond: number, spread?: number): Scenario => ({
  kind: 'crash',
  name: spread === undefined ? `crash-${clients}` : `crash-${clients}-spread-${spread / 1_000}`,
  title: `${clients} clients lose their server; its successor greets ${perSecond} a second; ${
    spread === undefined ? 'no spread is configured' : `spread ${spread / 1_000} s`
  }`,
  clients,
  perSecond,
  limit: 125_000,
  ...(spread === undefined ? { lived: true } : { spread }),
})

export const SCENARIOS: readonly Scenario[] = [
  crash(600, 20, 2_000),
  crash(600, 20, 10_000),
  crash(600, 20, 30_000),
  crash(3_000, 200, 2_000),
  crash(3_000, 200, 10_000),
  crash(3_000, 200, 30_000),
  // A twentieth of the planner's example: 40,000 users on 8 servers that greet 300 a second each.
  crash(2_000, 120),
  {
    kind: 'drain',
    name: 'drain-600',
    title: '600 legs are drained at 200 a second into a server that greets 20',
    clients: 600,
    perSecond: 20,
    nodes: 1,
    rate: 200,
    deadline: 30_000,
    limit: 60_000,
  },
  {
    kind: 'drain',
    name: 'two-drains',
    title: 'two servers of 300 legs are drained at once into one that can greet a third of them by the deadline',
    clients: 600,
    perSecond: 10,
    nodes: 2,
    rate: 200,
    deadline: 20_000,
    limit: 90_000,
  },
  {
    kind: 'drain',
    name: 'two-drains-extendable',
    title: 'the same, with a deadline that may be extended',
    clients: 600,
    perSecond: 10,
    nodes: 2,
    rate: 200,
    deadline: 20_000,
    extendable: true,
    limit: 90_000,
  },
]

/** Versions of the scenarios that take seconds. */
export const SMALL: readonly Scenario[] = [
  { ...crash(60, 20, 1_000), limit: 20_000 },
  {
    kind: 'drain',
    name: 'drain-60',
    title: '60 legs are drained at 200 a second into a server that greets 20',
    clients: 60,
    perSecond: 20,
    nodes: 1,
    rate: 200,
    deadline: 8_000,
    limit: 20_000,
  },
]

/** The lower bound in milliseconds: the time that the capacity needs, or a configured spread if it is longer. */
export function needed(scenario: Scenario): number {
  const { clients, perSecond } = scenario
  return Math.max((clients / perSecond) * 1_000, (scenario.kind === 'crash' && scenario.spread) || 0)
}
