import type { Meta } from '@storybook/react-vite'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import { LiveSocketProvider, useLiveReducer } from 'livesocket/react'
import { createSimulation } from 'livesocket/testing'
import { memo, useCallback } from 'react'
import { expect, waitFor } from 'storybook/test'
import { Button, Card, Counters, Stage, useReading } from './kit/pieces.js'
import { storyIn, type StoryArgs } from './kit/story.js'
import './render-meter.css'

type Topics = Record<`cell-${number}`, { level: number }>

const CELLS = Array.from({ length: 100 }, (_, index) => index)

function createWorld() {
  const sim = createSimulation({ seed: 6 })
  const socket = createLiveSocket<Topics>({ url: sim.url, environment: sim.environment })
  const renders = new Map<number, number>()
  socket.connect()
  const publish = (cell: number) => void sim.publish(`cell-${cell}`, { level: Math.round(sim.random() * 100) })
  return {
    sim,
    socket,
    rendered: (cell: number) => void renders.set(cell, (renders.get(cell) ?? 0) + 1),
    renders,
    one: () => publish(42),
    burst() {
      for (let count = 0; count < 1_000; count++) publish(Math.floor(sim.random() * 100))
    },
    drop: () => void sim.deploy({ deadline: 2_000 }),
  }
}
type World = ReturnType<typeof createWorld>

const Cell = memo(function Cell({ cell, rendered }: { cell: number; rendered: (cell: number) => void }) {
  const { level, count } = useLiveReducer<`cell-${number}`, { level: number; count: number }, Topics>(
    `cell-${cell}`,
    (before, { level }) => ({ level, count: before.count + 1 }),
    NOTHING,
  )
  rendered(cell)
  return (
    <li className="cell" data-lit={count > 0 || undefined} style={{ '--level': `${level}%` } as React.CSSProperties}>
      <span>{cell}</span>
      <b>{count}</b>
      {count > 0 && <i key={count} />}
    </li>
  )
})
const NOTHING = { level: 0, count: 0 }

function Meter({ world, playing }: { world: World } & StoryArgs) {
  const { sim, socket, renders } = world
  const seen = useReading(
    useCallback(() => {
      const all = [...renders.values()]
      return {
        total: all.reduce((sum, count) => sum + count, 0),
        most: Math.max(0, ...all),
        dials: sim.dials.length,
        delivered: socket.stats().delivered,
      }
    }, [renders, sim, socket]),
  )
  return (
    <Stage
      title="A hundred components, one socket, one render."
      lead="Each cell listens to its own topic through the same socket, counts its messages, and lights up when it renders. A message renders only the cell that it is for, at most once a frame; the other cells and the page do not render."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button kind="primary" onClick={world.one}>
          One message to cell 42
        </Button>
        <Button onClick={world.burst}>1,000 messages at once</Button>
        <Button onClick={world.drop}>Deploy</Button>
      </div>
      <Card title="Renders">
        <Counters
          wide
          counts={[
            { name: 'Messages delivered', value: seen.delivered },
            { name: 'Renders of all cells', value: seen.total },
            { name: 'Most renders of one', value: seen.most },
            { name: 'Sockets opened', value: seen.dials },
          ]}
        />
        <LiveSocketProvider socket={socket as unknown as LiveSocket}>
          <ol className="cells" aria-label="Messages by cell">
            {CELLS.map((cell) => (
              <Cell key={cell} cell={cell} rendered={world.rendered} />
            ))}
          </ol>
        </LiveSocketProvider>
      </Card>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'React/Many components, one socket', args: { playing: true } }
export default meta

export const RenderMeter = storyIn(
  createWorld,
  (world, { playing }) => <Meter playing={playing} world={world} />,
  async ({ world, canvasElement, press }) => {
    const { sim, renders, socket } = world
    await sim.advance(500)
    await waitFor(() => expect(renders.size).toBe(100))
    const before = new Map(renders)
    await press('One message to cell 42')
    await sim.advance(100)
    await waitFor(() => expect(canvasElement.querySelectorAll('.cell')[42]).toHaveTextContent('421'))
    const more = CELLS.filter((cell) => renders.get(cell) !== before.get(cell))
    await expect(more).toEqual([42])
    await expect(renders.get(42)! - before.get(42)!).toBe(1)

    await press('1,000 messages at once')
    await sim.advance(100)
    const counted = () =>
      [...canvasElement.querySelectorAll('.cell b')].reduce((sum, { textContent }) => sum + Number(textContent), 0)
    await waitFor(() => expect(counted()).toBe(1_001))
    // All of them arrive within a frame or two.
    await expect(Math.max(...CELLS.map((cell) => renders.get(cell)! - before.get(cell)!))).toBeLessThanOrEqual(4)
    await expect([sim.dials.length, socket.stats().gaps]).toEqual([1, 0])
  },
)
