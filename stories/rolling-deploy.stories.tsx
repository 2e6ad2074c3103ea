import type { Meta, StoryObj } from '@storybook/react-vite'
import { createSimulation } from 'livesocket/testing'
import { useCallback } from 'react'
import { expect, userEvent, waitFor, within } from 'storybook/test'
import { connectClient } from './kit/client.js'
import { createBook, startFeed } from './kit/feed.js'
import { LegTimeline } from './kit/leg-timeline.js'
import { connectNaively } from './kit/naive-client.js'
import { Badge, Button, Card, Counters, Legend, Stage, useReading, type StoryArgs } from './kit/pieces.js'

const SPAN = 7_000
/** A phone's, in each direction: it shows what happens between two servers. */
const LATENCY = 180

function createWorld() {
  const sim = createSimulation({ seed: 5, latency: LATENCY })
  const feed = startFeed(sim, { every: 100, latency: LATENCY })
  const client = connectClient(sim, { feed })
  const book = createBook(feed, () => sim.clock.monotonic(), false)
  const naive = connectNaively(sim, feed.topic, book.delivered)
  const marks: { at: number; label: string }[] = []
  // It writes, too: what is not answered yet is what an old leg is kept for.
  let beats = 0
  const beat = () => {
    void client.socket.publish('presence', ++beats).catch(() => undefined)
    sim.clock.setTimeout(beat, 130)
  }
  beat()
  return {
    sim,
    client,
    naive,
    book,
    marks,
    deploy() {
      marks.push({ at: sim.clock.monotonic(), label: 'deploy' })
      sim.deploy({ deadline: 1_500 })
    },
  }
}
type World = ReturnType<typeof createWorld>

function RollingDeploy({ world, playing }: { world: World } & StoryArgs) {
  const { sim, client, naive, book, marks } = world
  const ours = useReading(useCallback(() => ({ ...client.book!.summary(), state: client.socket.store.getState() }), [client]))
  const theirs = useReading(useCallback(() => ({ ...book.summary(), live: naive.live }), [book, naive]))
  const now = () => sim.clock.monotonic()
  return (
    <Stage
      title="The servers are replaced. The stream is not."
      lead="Both clients read one stream, from the same servers, over the same network. At the deploy a new server starts, the old one asks its clients to move, and closes what is left after 1.5 seconds."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button kind="primary" onClick={world.deploy}>
          Deploy
        </Button>
        <p className="note">As often as you like.</p>
      </div>
      <Card title="LiveSocket" aside={<Badge tone={ours.state.handover ? 'moving' : ours.state.status === 'live' ? 'live' : 'connecting'}>{ours.state.handover ? 'live, moving' : ours.state.status}</Badge>}>
        <div className="side" data-client="ours">
          <LegTimeline
            label="LiveSocket: the new leg is dialled beside the old one, takes over, and the old one closes; the stream has no hole"
            picture={useCallback(() => ({ now: now(), span: SPAN, legs: client.recorder.legs, arrivals: client.recorder.arrivals, marks }), [client])}
          />
          <Counters
            counts={[
              { name: 'Sent', value: ours.sent },
              { name: 'Delivered', value: ours.delivered },
              { name: 'Lost', value: ours.lost, tone: ours.lost > 0 ? 'bad' : 'good' },
              { name: 'Repeated', value: ours.duplicated, tone: ours.duplicated > 0 ? 'bad' : 'good' },
            ]}
          />
        </div>
      </Card>
      <Card title="A WebSocket that reconnects" aside={<Badge tone={theirs.live ? 'live' : 'down'}>{theirs.live ? 'live' : 'reconnecting'}</Badge>}>
        <div className="side" data-client="theirs">
          <LegTimeline
            label="A WebSocket that reconnects: it is closed at the deadline, and what was sent until the next one serves is lost"
            picture={useCallback(() => ({ now: now(), span: SPAN, legs: naive.legs, arrivals: naive.arrivals, lost: book.summary().lostAt, marks }), [naive, book])}
          />
          <Counters
            counts={[
              { name: 'Sent', value: theirs.sent },
              { name: 'Delivered', value: theirs.delivered },
              { name: 'Lost', value: theirs.lost, tone: theirs.lost > 0 ? 'bad' : 'good' },
              { name: 'Repeated', value: theirs.duplicated },
            ]}
          />
        </div>
      </Card>
      <Legend />
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/A rolling deploy', args: { playing: true } }
export default meta

export const BesideANaiveClient: StoryObj<StoryArgs> = {
  loaders: [() => ({ world: createWorld() })],
  render: ({ playing }, { loaded }) => <RollingDeploy playing={playing} world={loaded['world'] as World} />,
  play: async ({ canvasElement, loaded }) => {
    const { sim, client, book } = loaded['world'] as World
    const canvas = within(canvasElement)
    await sim.advance(3_600)
    await userEvent.click(canvas.getByRole('button', { name: 'Deploy' }))
    await sim.advance(5_000)

    const ours = client.book!.summary()
    await expect(ours).toMatchObject({ lost: 0, duplicated: 0, disordered: 0 })
    await expect(client.socket.stats()).toMatchObject({ handovers: 1, reconnects: 0, gaps: 0 })
    await expect(book.summary().lost).toBeGreaterThan(10)
    const shown = (side: string, name: string) => canvasElement.querySelector(`[data-client=${side}] [data-count=${name}]`)?.textContent
    await waitFor(async () => {
      await expect(shown('ours', 'Lost')).toBe('0')
      await expect(Number(shown('theirs', 'Lost'))).toBeGreaterThan(10)
    })
  },
}
