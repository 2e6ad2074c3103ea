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

/** Durations are milliseconds; on the command line they are seconds, which operators think in. */
export interface FleetSettings {
  readonly clients: number
  readonly nodes: number
  /** New connections a second that one node can take. */
  readonly accepts: number
  /** What a refused dial costs a node, as a share of an accepted one. */
  readonly refusalCost: number
  /** Requests a second that the token service can take. */
  readonly tokenCapacity: number
  readonly lifetime: number
  /** How long what fails is gone; undefined: 3 s for servers, 60 s for the token service. */
  readonly down: number | undefined
  /** Undefined: nobody has set one. */
  readonly spread: number | undefined
  /** Calls a second that the identity service, and Redis, can take, for all nodes. */
  readonly authenticates: number
  readonly redis: number
  /** Hellos a second that the node can greet which takes what is drained. */
  readonly taker: number
  /** Nodes that are drained into it at once. */
  readonly drains: number
  /** Of a drain; undefined: as long as its rate needs, and a fifth, and 30 s. */
  readonly deadline: number | undefined
  readonly extendable: boolean
  /** Legs a second that a drain hands over. */
  readonly rate: number
  /** Legs of the node that is drained. */
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
  /** Where the chart of metastable regions goes. */
  readonly region: string | undefined
  readonly help: boolean
}

export const HELP = `npm run fleet -- [options]

Runs LiveSocket's own policy code for a whole user base in virtual time, and says what its servers would feel.

  --scenario NAME       ${SCENARIOS.join(', ')}; default: all
  --advise              which rate and spread for my capacity and my users
  --clients N           users online                                        1000000
  --nodes M             live servers                                        20
  --accepts R           new connections a second that one node can take     2000
  --refusal-cost X      what a refused dial costs, of an accepted one; peers     0
                        look best at 0, and no server is that good
  --token-capacity R    requests a second that the token service can take   6000
  --lifetime S          of a token                                          600
  --down S              how long what fails is gone                         3 (servers), 60 (token service)
  --spread S            reconnectSpread                                     what clients (30) and servers do unasked
  --authenticates R     calls a second that the identity service takes      as many as come
  --redis R             the same of Redis                                   as many as come
  --rate R              legs a second that a drain hands over                    500
  --legs N              legs on the node that is drained                    20000
  --taker R             hellos a second that its taker greets, slow-drain   a tenth of the rate
  --drains N            nodes that are drained into it at once              1
  --deadline S          of such a drain                                     legs / rate · 1.2 + 30
  --extendable          it is put off where it cannot be met
  --dial S              from a dial to its welcome, on average              0.04
  --duration S          of virtual time                                     as the scenario needs
  --seed N              the same seed, the same run                         1
  --peers               the same for other libraries' retry policies
  --json                one JSON object instead of a table; times in it are milliseconds
  --html FILE           a report with charts, of all scenarios and peers
  --charts DIR          the charts alone, as SVG files
  --region DIR          how long a crash of all lasts for each spread and capacity, for
                        LiveSocket, for a fixed spread alone and for the peers: SVG and JSON

In the JSON, tokenCalls counts the calls beyond the schedule: caused by what happened, not by tokens growing old.
recovered99 is the time until 99 % of those who lost their connection were live again; in token-outage until 99 % of those whose call
failed had a fresh token, while nearly all of them went on with the one that they had.
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
