import type { Meta } from '@storybook/react-vite'
import type { LiveSocketError } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { useCallback } from 'react'
import { expect, waitFor } from 'storybook/test'
import { connectClient } from './kit/client.js'
import { toneOf } from './kit/comparison.js'
import { LegTimeline } from './kit/leg-timeline.js'
import { Badge, Button, Card, Counters, Legend, Stage, useReading, type Tone } from './kit/pieces.js'
import { storyIn, type StoryArgs } from './kit/story.js'
import './requests.css'

interface Asked {
  readonly id: number
  readonly method: 'order' | 'price'
  readonly at: number
  fate: string
  tone: Tone
  took?: number
}

/** How long the server works on a request, ms. */
const WORK = 900

function createWorld() {
  let done = 0
  const sim = createSimulation({
    seed: 33,
    latency: 120,
    onRequest: async (method) => {
      await new Promise<void>((resolve) => void sim.clock.setTimeout(resolve, WORK))
      return { data: method === 'order' ? `no. ${++done}` : '€ 12' }
    },
  })
  const client = connectClient(sim)
  const asked: Asked[] = []
  const marks: { at: number; label: string }[] = []
  const now = () => sim.clock.monotonic()
  const mark = (label: string) => void marks.push({ at: now(), label })
  function ask(method: Asked['method']) {
    const one: Asked = { id: asked.length + 1, method, at: now(), fate: 'asked', tone: 'connecting' }
    asked.push(one)
    const settle = (fate: string, tone: Tone) => Object.assign(one, { fate, tone, took: now() - one.at })
    client.socket.request(method, undefined, { idempotent: method === 'price' }).then(
      (answer) => settle(method === 'order' ? `ordered, ${String(answer)}` : String(answer), 'live'),
      ({ code }: LiveSocketError) =>
        settle(code === 'outcome-unknown' ? 'outcome unknown' : code, code === 'outcome-unknown' ? 'wait' : 'down'),
    )
  }
  return {
    sim,
    client,
    asked,
    marks,
    ask,
    orders: () => done,
    deploy() {
      mark('deploy')
      sim.deploy({ deadline: 3_000 })
    },
    crash() {
      mark('crash')
      sim.crash()
      sim.clock.setTimeout(() => sim.restart(), 800)
    },
  }
}
type World = ReturnType<typeof createWorld>

function RequestsStory({ world, playing }: { world: World } & StoryArgs) {
  const { sim, client, asked, marks, ask, orders, deploy, crash } = world
  const { state, rows, done } = useReading(
    useCallback(
      () => ({
        state: client.socket.store.getState(),
        rows: asked.slice(-5).map((one) => ({ ...one })),
        done: orders(),
      }),
      [client, asked, orders],
    ),
  )
  const picture = useCallback(
    () => ({
      now: sim.clock.monotonic(),
      span: 8_000,
      legs: client.recorder.legs,
      arrivals: client.recorder.arrivals,
      marks,
    }),
    [sim, client, marks],
  )
  return (
    <Stage
      title="Requested during a deploy, and still answered."
      lead="A request that is under way while the servers are replaced is answered by the server that has it: its connection stays open until then. If that server dies, the outcome is reported. An order may or may not have been placed; asking for the price again does no harm, so that request is sent again."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button kind="primary" onClick={() => ask('order')}>
          Order
        </Button>
        <Button onClick={() => ask('price')}>Ask the price</Button>
        <Button onClick={deploy}>Deploy</Button>
        <Button kind="danger" onClick={crash}>
          Crash the server
        </Button>
      </div>
      <Card
        title="Requests"
        aside={<Badge tone={toneOf(state)}>{state.handover ? `${state.status}, handing over` : state.status}</Badge>}
      >
        <LegTimeline label="The legs of the client" picture={picture} />
        <ol className="asked" aria-label="Requests and their outcomes">
          {rows.length === 0 && <li className="none">No requests yet.</li>}
          {rows.map(({ id, method, fate, tone, took }) => (
            <li key={id}>
              <span>{method === 'order' ? 'Order' : 'Price'}</span>
              <Badge tone={tone}>{fate}</Badge>
              <time>{took === undefined ? '' : `${(took / 1_000).toFixed(1)} s`}</time>
            </li>
          ))}
        </ol>
        <Counters
          wide
          counts={[
            { name: 'Requests', value: asked.length },
            {
              name: 'Confirmed',
              value: asked.filter((one) => one.method === 'order' && one.tone === 'live').length,
            },
            { name: 'Placed', value: done },
          ]}
        />
      </Card>
      <Legend messages={false} />
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/Requests', args: { playing: true } }
export default meta

export const ThroughADeploy = storyIn(
  createWorld,
  (world, { playing }) => <RequestsStory playing={playing} world={world} />,
  async ({ world: { sim, client, asked, orders }, canvas, press }) => {
    const fates = () => asked.map(({ method, fate }) => `${method}: ${fate}`)
    await sim.advance(2_000)
    await press('Order')
    await sim.advance(200)
    await press('Deploy')
    await sim.advance(300)
    await press('Ask the price')
    await sim.advance(3_000)
    await expect(fates()).toEqual(['order: ordered, no. 1', 'price: € 12'])
    await expect(client.socket.stats()).toMatchObject({ handovers: 1, reconnects: 0 })
    await press('Order')
    await press('Ask the price')
    await sim.advance(300)
    await press('Crash the server')
    await sim.advance(5_000)
    await expect(fates().slice(2)).toEqual(['order: outcome unknown', 'price: € 12'])
    // The client could not know it, but this order was placed.
    await expect(orders()).toBe(2)
    await waitFor(() => expect(canvas.getByText('outcome unknown')).toBeVisible())
  },
)
