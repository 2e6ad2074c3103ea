import type { Meta, StoryObj } from '@storybook/react-vite'
import { useDeferredValue, useId, useMemo, useState } from 'react'
import { expect, fireEvent, waitFor, within } from 'storybook/test'
import { livesocket, peers } from '../bench/fleet/client-policy.js'
import type { FleetSettings, ScenarioName } from '../bench/fleet/options.js'
import { simulate, type Outcome } from '../bench/fleet/scenarios.js'
import { count, duration, percent } from '../bench/fleet/table.js'
import { LoadChart } from './kit/load-chart.js'
import { Card, Counters, Stage } from './kit/pieces.js'
import type { StoryArgs } from './kit/story.js'
import './fleet-planner.css'

const SCENARIOS: readonly { name: ScenarioName; title: string; shown: number }[] = [
  { name: 'return', title: 'All servers crash for 3 s', shown: 120 },
  { name: 'fleet-crash', title: 'The same, and overloaded servers refuse dials', shown: 120 },
  { name: 'node-crash', title: 'One of the servers crashes', shown: 90 },
  { name: 'token-outage', title: 'Token service down for 1 min', shown: 300 },
  { name: 'flaky-network', title: 'All users have a flaky network', shown: 600 },
]

interface Plan {
  users: number
  nodes: number
  accepts: number
  /** Seconds; 0: none is set. */
  spread: number
}
const START: Plan = { users: 40_000, nodes: 8, accepts: 300, spread: 0 }
/** The load of one second is random: up to this factor above the limit it counts as within the limit. */
const ABOVE = 1.1
/** Every user is simulated before the page shows anything. */
const SIMULATED = { timeout: 20_000 }
/** Seconds. The chart begins here, ten seconds before the fault; in `return` the fault comes at once. */
const BEGINS = 20

const settingsOf = ({ users, nodes, accepts, spread }: Plan): FleetSettings => ({
  clients: users,
  nodes,
  accepts,
  refusalCost: 0.2,
  tokenCapacity: Math.ceil(users / 150),
  lifetime: 600_000,
  down: undefined,
  spread: spread === 0 ? undefined : spread * 1_000,
  authenticates: Infinity,
  redis: Infinity,
  taker: 50,
  drains: 1,
  deadline: undefined,
  extendable: false,
  rate: 500,
  legs: Math.ceil(users / nodes),
  dial: 40,
  duration: 600_000,
  seed: 1,
})

function Slider({
  name,
  value,
  from,
  to,
  step,
  unit = '',
  none,
  change,
}: {
  name: string
  value: number
  from: number
  to: number
  step: number
  unit?: string
  /** The text that is shown for 0. */
  none?: string
  change: (value: number) => void
}) {
  const id = useId()
  return (
    <div className="slider">
      <label htmlFor={id}>{name}</label>
      <output htmlFor={id}>{value === 0 && none !== undefined ? none : `${value.toLocaleString('en')}${unit}`}</output>
      <input
        id={id}
        type="range"
        min={from}
        max={to}
        step={step}
        value={value}
        onChange={(event) => change(Number(event.target.value))}
      />
    </div>
  )
}

function Planner() {
  const [plan, setPlan] = useState(START)
  const [scenario, setScenario] = useState<ScenarioName>('return')
  const [peer, setPeer] = useState('reconnecting-websocket')
  const settled = useDeferredValue(plan)
  const [ours, theirs] = useMemo(() => {
    const settings = settingsOf(settled)
    const other = peers.find(({ name }) => name === peer)!
    return [simulate(scenario, settings, livesocket), simulate(scenario, settings, other)] as [Outcome, Outcome]
  }, [settled, scenario, peer])
  const set = (part: Partial<Plan>) => setPlan((before) => ({ ...before, ...part }))
  const { shown } = SCENARIOS.find(({ name }) => name === scenario)!
  const { capacity, of } = ours.series
  const from = scenario === 'return' ? 0 : BEGINS
  const tokens = scenario === 'token-outage'
  const over = (outcome: Outcome) => outcome.peakPerSecond > ABOVE * capacity
  const facts = (outcome: Outcome) => [
    {
      name: `Peak ${of} a second`,
      value: count(outcome.peakPerSecond),
      tone: over(outcome) ? ('bad' as const) : ('good' as const),
    },
    ...(tokens
      ? [
          { name: 'Expired tokens', value: percent(outcome.expiredShare) },
          { name: 'Calls beyond the schedule', value: count(outcome.tokenCalls) },
        ]
      : [
          { name: 'Half are back in', value: duration(outcome.recovered50) },
          { name: '99 % are back in', value: duration(outcome.recovered99) },
          outcome.wasted === undefined
            ? { name: 'Token calls it caused', value: count(outcome.tokenCalls) }
            : { name: 'Calls for clients that left', value: count(outcome.wasted) },
        ]),
  ]
  return (
    <Stage
      title="What will my users do to my servers?"
      lead="This runs LiveSocket’s own policy code for every user in virtual time, next to another library’s retry rule. Each change of a slider runs the simulation again."
    >
      <div className="planner">
        <Card title="Your fleet">
          <Slider
            name="Users online"
            value={plan.users}
            from={2_000}
            to={100_000}
            step={2_000}
            change={(users) => set({ users })}
          />
          <Slider name="Servers" value={plan.nodes} from={2} to={40} step={1} change={(nodes) => set({ nodes })} />
          <Slider
            name="Connections a server takes"
            value={plan.accepts}
            from={50}
            to={2_000}
            step={50}
            unit="/s"
            change={(accepts) => set({ accepts })}
          />
          <Slider
            name="reconnectSpread"
            value={plan.spread}
            from={0}
            to={120}
            step={5}
            unit=" s"
            none="not set"
            change={(spread) => set({ spread })}
          />
          <label className="choice">
            What happens
            <select value={scenario} onChange={(event) => setScenario(event.target.value as ScenarioName)}>
              {SCENARIOS.map(({ name, title }) => (
                <option key={name} value={name}>
                  {title}
                </option>
              ))}
            </select>
          </label>
          <label className="choice">
            Compared with
            <select value={peer} onChange={(event) => setPeer(event.target.value)}>
              {peers.map(({ name }) => (
                <option key={name}>{name}</option>
              ))}
            </select>
          </label>
        </Card>
        <div className="outcome">
          <Card title={`${of === 'dials' ? 'Dials' : 'Token requests'}, second by second`}>
            <LoadChart
              limit={{ name: `capacity ${count(capacity)}/s`, value: capacity }}
              lines={[
                { name: 'LiveSocket', values: Array.from(ours.series.requests).slice(from, from + shown) },
                { name: peer, values: Array.from(theirs.series.requests).slice(from, from + shown) },
              ]}
            />
          </Card>
          <div className="columns">
            <div data-policy="ours">
              <Card title="LiveSocket">
                <Counters wide counts={facts(ours)} />
              </Card>
            </div>
            <div data-policy="theirs">
              <Card title={peer}>
                <Counters wide counts={facts(theirs)} />
              </Card>
            </div>
          </div>
        </div>
      </div>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'Operations/Fleet planner', args: { playing: true } }
export default meta

export const FleetPlanner: StoryObj<StoryArgs> = {
  render: () => <Planner />,
  play: async ({ canvasElement }) => {
    const canvas = within(canvasElement)
    const peak = (policy: string) =>
      Number(
        canvasElement.querySelector(`[data-policy=${policy}] [data-count^="Peak"]`)!.textContent!.replaceAll(',', ''),
      )
    // The whole fleet is gone, and its users come back no faster than the servers can take them.
    await expect(peak('ours')).toBeLessThanOrEqual(ABOVE * START.nodes * START.accepts)
    await expect(peak('theirs')).toBeGreaterThan(3 * START.nodes * START.accepts)
    const before = peak('ours')
    fireEvent.change(canvas.getByLabelText('reconnectSpread'), { target: { value: '60' } })
    await waitFor(() => expect(peak('ours')).toBeLessThan(before * 0.7), SIMULATED)
    fireEvent.change(canvas.getByLabelText('reconnectSpread'), { target: { value: '0' } })
    await waitFor(() => expect(peak('ours')).toBe(before), SIMULATED)
  },
}
