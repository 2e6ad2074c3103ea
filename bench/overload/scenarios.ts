/** What is done to servers that can greet so many a second. Milliseconds. */
export type Scenario = {
  readonly name: string
  readonly title: string
  readonly clients: number
  /** Greetings a second of each server that has to take them. */
  readonly perSecond: number
  /** Whether the identity service drops calls whose signal has fired. */
  readonly heeds?: boolean
  /** It is watched for so long at the most. */
  readonly limit: number
} & (
  | {
      readonly kind: 'crash'
      /** What the servers advertise; absent: nothing is set. */
      readonly spread?: number
      /** The first connections met the same capacity, as those of a running fleet did. */
      readonly lived?: boolean
    }
  | {
      readonly kind: 'drain'
      /** Servers that are drained at once, into one that takes all. */
      readonly nodes: number
      /** Of each of them. */
      readonly rate: number
      readonly deadline: number
      readonly extendable?: boolean
    }
)

const crash = (clients: number, perSecond: number, spread?: number): Scenario => ({
  kind: 'crash',
  name: spread === undefined ? `crash-${clients}` : `crash-${clients}-spread-${spread / 1_000}`,
  title: `${clients} clients lose their server; its next one greets ${perSecond} a second; ${
    spread === undefined ? 'nobody has set a spread' : `spread ${spread / 1_000} s`
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
  // The planner's own picture, 40,000 users on 8 servers of 300 a second, at a twentieth.
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
    title: 'two servers of 300 legs are drained at once into one that greets a third of what that needs',
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
    title: 'the same, and the deadline may be put off',
    clients: 600,
    perSecond: 10,
    nodes: 2,
    rate: 200,
    deadline: 20_000,
    extendable: true,
    limit: 90_000,
  },
]

/** Each to be played in seconds. */
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

/** Milliseconds that nobody can be faster than: what the capacity needs, or a spread that was set and is longer. */
export function needed(scenario: Scenario): number {
  const { clients, perSecond } = scenario
  return Math.max((clients / perSecond) * 1_000, (scenario.kind === 'crash' && scenario.spread) || 0)
}
