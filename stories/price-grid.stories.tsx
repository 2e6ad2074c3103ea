import type { Meta } from '@storybook/react-vite'
import { createLiveSocket } from 'livesocket'
import { LiveSocketProvider, useLiveReducer } from 'livesocket/react'
import { createSimulation } from 'livesocket/testing'
import { memo, useCallback } from 'react'
import { expect, waitFor } from 'storybook/test'
import { Button, Card, Counters, Stage, useReading } from './kit/pieces.js'
import { storyIn, type StoryArgs } from './kit/story.js'
import './price-grid.css'

interface Price {
  readonly place: number
  readonly cents: number
}

const SYMBOLS =
  'ACME BOLT CALX DUNE ECHO FLUX GLOW HARP IRIS JADE KITE LUMA MICA NOVA OPAL PINE QUAY RUNE SAGE TIDE UNIT VEGA WAVE XENO'.split(
    ' ',
  )
/** How many prices each simulated frame of 16 ms brings: 5,000 a second. */
const BURST = 80

interface Grid {
  readonly folded: number
  readonly rows: readonly { readonly cents: number; readonly updates: number; readonly up: boolean }[]
}
const EMPTY: Grid = {
  folded: 0,
  rows: SYMBOLS.map((_, place) => ({ cents: 5_000 + place * 731, updates: 0, up: true })),
}

function fold({ folded, rows }: Grid, { place, cents }: Price): Grid {
  const row = rows[place]!
  return { folded: folded + 1, rows: rows.with(place, { cents, updates: row.updates + 1, up: cents >= row.cents }) }
}

function createWorld() {
  const sim = createSimulation({ seed: 9 })
  const socket = createLiveSocket<{ prices: Price }>({ url: sim.url, environment: sim.environment })
  const cents = EMPTY.rows.map((row) => row.cents)
  let published = 0
  let running = true
  socket.connect()
  sim.clock.setTimeout(function burst() {
    for (let count = 0; running && count < BURST; count++) {
      const place = Math.floor(sim.random() * SYMBOLS.length)
      cents[place] = Math.max(100, cents[place]! + Math.round((sim.random() - 0.5) * 60))
      sim.publish('prices', { place, cents: cents[place] })
      published++
    }
    sim.clock.setTimeout(burst, 16)
  }, 300)
  const seen = { renders: 0, folded: 0 }
  return {
    sim,
    socket,
    seen,
    get published() {
      return published
    },
    toggle: () => void (running = !running),
    get running() {
      return running
    },
  }
}
type World = ReturnType<typeof createWorld>

const Row = memo(function Row({
  symbol,
  cents,
  updates,
  up,
}: {
  symbol: string
  cents: number
  updates: number
  up: boolean
}) {
  return (
    <tr data-up={up}>
      <th scope="row">{symbol}</th>
      <td>{(cents / 100).toFixed(2)}</td>
      <td>{updates.toLocaleString('en')}</td>
    </tr>
  )
})

/** A separate component, so that the counters above, which are updated ten times a second, do not render it. */
const Prices = memo(function Prices({ seen }: { seen: World['seen'] }) {
  const { rows, folded } = useLiveReducer<'prices', Grid, { prices: Price }>('prices', fold, EMPTY)
  seen.renders++
  seen.folded = folded
  const half = SYMBOLS.length / 2
  return (
    <div className="columns prices">
      {[0, half].map((from) => (
        <table key={from}>
          <thead>
            <tr>
              <th scope="col">Symbol</th>
              <th scope="col">Price</th>
              <th scope="col">Updates</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(from, from + half).map((row, index) => (
              <Row key={SYMBOLS[from + index]} symbol={SYMBOLS[from + index]!} {...row} />
            ))}
          </tbody>
        </table>
      ))}
    </div>
  )
})

function PriceGrid({ world, playing }: { world: World } & StoryArgs) {
  const { sim, socket, seen } = world
  const counts = useReading(
    useCallback(
      () => ({ published: world.published, running: world.running, ...seen, lost: Math.max(0, socket.stats().gaps) }),
      [world, seen, socket],
    ),
  )
  return (
    <Stage
      title="5,000 prices a second, one render a frame."
      lead="Every message goes through the reducer, outside React and in order. The component renders at most once a frame, with all messages in it. “Latest message” hooks would lose most of them; hooks that render each one would freeze the page."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button onClick={world.toggle}>{counts.running ? 'Stop the market' : 'Open the market'}</Button>
        <Button kind="primary" onClick={() => sim.deploy({ deadline: 3_000 })}>
          Deploy
        </Button>
      </div>
      <Card title="Since the page opened">
        <Counters
          wide
          counts={[
            { name: 'Published', value: counts.published },
            { name: 'Folded', value: counts.folded, tone: 'good' },
            { name: 'Gaps', value: counts.lost, tone: counts.lost > 0 ? 'bad' : 'good' },
            { name: 'Renders', value: counts.renders },
          ]}
        />
        <LiveSocketProvider socket={socket}>
          <Prices seen={seen} />
        </LiveSocketProvider>
      </Card>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'React/A price grid at 5,000 a second', args: { playing: true } }
export default meta

export const PricesAtFullSpeed = storyIn(
  createWorld,
  (world, { playing }) => <PriceGrid playing={playing} world={world} />,
  async ({ world, press }) => {
    const { sim, seen, socket } = world
    const from = sim.clock.monotonic()
    await sim.advance(1_200)
    await press('Deploy')
    await sim.advance(1_100)
    await press('Stop the market')
    await sim.advance(200)
    await waitFor(() => expect(seen.folded).toBe(world.published))
    await expect(world.published).toBeGreaterThan(9_000)
    await expect(socket.stats()).toMatchObject({ gaps: 0, handovers: 1, reconnects: 0 })
    await expect(seen.renders).toBeLessThanOrEqual((sim.clock.monotonic() - from) / 16 + 3)
  },
)
