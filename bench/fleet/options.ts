import { parseArgs } from 'node:util'

export const SCENARIOS = [
  'login-burst',
  'token-outage',
  'fleet-crash',
  'node-crash',
  'drain',
  'rolling-deploy',
  'flaky-network',
  'return',
  'slow-drain',
] as const
export type ScenarioName = (typeof SCENARIOS)[number]

/** Durations are milliseconds. On the command line they are seconds, as operators think in seconds. */
export interface FleetSettings {
  readonly clients: number
  readonly nodes: number
  /** New connections a second that one node can take. */
  readonly accepts: number
  /** The cost of a refused dial for a node, as a share of that of an accepted one. */
  readonly refusalCost: number
  /** Requests a second that the token service can take. */
  readonly tokenCapacity: number
  readonly lifetime: number
  /** How long the failing part is down. Undefined: 3 s for servers, 60 s for the token service. */
  readonly down: number | undefined
  /** Undefined: no spread is configured. */
  readonly spread: number | undefined
  /** Calls a second that the identity service, and Redis, can take from all nodes together. */
  readonly authenticates: number
  readonly redis: number
  /** Hellos a second that the node which takes the drained legs can greet. */
  readonly taker: number
  /** Nodes that are drained into that node at once. */
  readonly drains: number
  /** The deadline of a drain. Undefined: 1.2 times what its rate needs, plus 30 s. */
  readonly deadline: number | undefined
  readonly extendable: boolean
  /** Legs a second that a drain hands over. */
  readonly rate: number
  /** Legs of the drained node. */
  readonly legs: number
  readonly dial: number
  readonly duration: number | undefined
  readonly seed: number
}

export interface FleetCommand {
  readonly settings: FleetSettings
  readonly scenario: ScenarioName | undefined
  readonly json: boolean
  readonly peers: boolean
  readonly advise: boolean
  readonly html: string | undefined
  readonly charts: string | undefined
  /** The folder for the chart of metastable regions. */
  readonly region: string | undefined
  readonly help: boolean
}

export const HELP = `npm run fleet -- [options]

Runs LiveSocket's own policy code for a whole user base in virtual time, and shows the load on its servers.

  --scenario NAME       ${SCENARIOS.join(', ')}; default: all
  --advise              computes a rate and a spread for a capacity and a number of users
  --clients N           users online                                        1000000
  --nodes M             live servers                                        20
  --accepts R           new connections a second that one node can take     2000
  --refusal-cost X      cost of a refused dial, as a share of an accepted   0
                        one; at 0 peers look better than any server allows
  --token-capacity R    requests a second that the token service can take   6000
  --lifetime S          token lifetime                                      600
  --down S              how long the failing part is down                   3 (servers), 60 (token service)
  --spread S            reconnectSpread                                     the defaults of clients (30) and servers
  --authenticates R     calls/s that the identity service can take          no limit
  --redis R             calls/s that Redis can take                         no limit
  --rate R              legs a second that a drain hands over               500
  --legs N              legs on the drained node                            20000
  --taker R             slow-drain: hellos/s that the receiving node greets a tenth of the rate
  --drains N            slow-drain: nodes that are drained at once          1
  --deadline S          slow-drain: deadline of each drain                  legs / rate · 1.2 + 30
  --extendable          slow-drain: the deadline is extended if it cannot be met
  --dial S              mean time from a dial to its welcome                0.04
  --duration S          virtual time that a run lasts                       depends on the scenario
  --seed N              the same seed gives the same run                    1
  --peers               also runs the retry policies of other libraries
  --json                one JSON object instead of a table; its times are milliseconds
  --html FILE           a report with charts, of all scenarios and peers
  --charts DIR          the charts alone, as SVG files
  --region DIR          how long a crash of all nodes lasts for each spread and capacity, for
                        LiveSocket, for a fixed spread alone and for the peers: SVG and JSON

In the JSON, tokenCalls counts token calls beyond the schedule: calls because of the trouble, not because a token grew old.
recovered99 is the time until 99 % of the users who lost their connection are live again. In token-outage it is the time until
99 % of the users whose call failed have a fresh token; nearly all of them keep a valid token meanwhile.
`

export function readCommand(args: readonly string[]): FleetCommand {
  const { values } = parseArgs({
    args: [...args],
    options: {
      scenario: { type: 'string' },
      clients: { type: 'string', default: '1000000' },
      nodes: { type: 'string', default: '20' },
      accepts: { type: 'string', default: '2000' },
      'refusal-cost': { type: 'string', default: '0' },
      'token-capacity': { type: 'string', default: '6000' },
      lifetime: { type: 'string', default: '600' },
      down: { type: 'string' },
      spread: { type: 'string' },
      authenticates: { type: 'string' },
      redis: { type: 'string' },
      taker: { type: 'string' },
      drains: { type: 'string', default: '1' },
      deadline: { type: 'string' },
      extendable: { type: 'boolean', default: false },
      rate: { type: 'string', default: '500' },
      legs: { type: 'string', default: '20000' },
      dial: { type: 'string', default: '0.04' },
      duration: { type: 'string' },
      seed: { type: 'string', default: '1' },
      peers: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      advise: { type: 'boolean', default: false },
      html: { type: 'string' },
      charts: { type: 'string' },
      region: { type: 'string' },
      help: { type: 'boolean', default: false },
    },
  })
  type Numeric = {
    [Name in keyof typeof values]: (typeof values)[Name] extends string | undefined ? Name : never
  }[keyof typeof values]

  function number(name: NonNullable<Numeric>, least: number, most: number): number {
    const value = Number(values[name])
    if (values[name] === '' || !(value >= least && value <= most))
      throw new Error(`--${name} must be a number from ${least} to ${most}, not "${values[name]}"`)
    return value
  }
  const whole = (name: NonNullable<Numeric>, least: number, most: number) => {
    const value = number(name, least, most)
    if (!Number.isInteger(value)) throw new Error(`--${name} must be a whole number, not "${values[name]}"`)
    return value
  }
  const seconds = (name: NonNullable<Numeric>, least: number, most: number) => number(name, least, most) * 1_000

  const { scenario } = values
  if (scenario !== undefined && !isScenario(scenario))
    throw new Error(`--scenario must be one of ${SCENARIOS.join(', ')}, not "${scenario}"`)
  const rate = number('rate', 0.1, 1e6)
  return {
    settings: {
      clients: whole('clients', 1, 20_000_000),
      nodes: whole('nodes', 2, 10_000),
      accepts: number('accepts', 1, 1e9),
      refusalCost: number('refusal-cost', 0, 1),
      tokenCapacity: number('token-capacity', 1, 1e9),
      lifetime: seconds('lifetime', 1, 86_400),
      down: values.down === undefined ? undefined : seconds('down', 0, 86_400),
      spread: values.spread === undefined ? undefined : seconds('spread', 0, 300),
      authenticates: values.authenticates === undefined ? Infinity : number('authenticates', 1, 1e9),
      redis: values.redis === undefined ? Infinity : number('redis', 1, 1e9),
      rate,
      taker: values.taker === undefined ? rate / 10 : number('taker', 0.1, 1e6),
      drains: whole('drains', 1, 1_000),
      deadline: values.deadline === undefined ? undefined : seconds('deadline', 1, 86_400),
      extendable: values.extendable,
      legs: whole('legs', 1, 20_000_000),
      dial: seconds('dial', 0, 30),
      duration: values.duration === undefined ? undefined : seconds('duration', 1, 86_400),
      seed: whole('seed', 0, 2 ** 32 - 1),
    },
    scenario,
    json: values.json,
    peers: values.peers,
    advise: values.advise,
    html: values.html,
    charts: values.charts,
    region: values.region,
    help: values.help,
  }
}

function isScenario(name: string): name is ScenarioName {
  return (SCENARIOS as readonly string[]).includes(name)
}
