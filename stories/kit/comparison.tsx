import type { StoryObj } from '@storybook/react-vite'
import type { LiveSocketOptions, LiveSocketState } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { useCallback, type ReactNode } from 'react'
import { expect, waitFor } from 'storybook/test'
import { connectClient } from './client.js'
import { createBook, startFeed } from './feed.js'
import { LegTimeline } from './leg-timeline.js'
import { connectNaively } from './naive-client.js'
import { Badge, Card, Counters, Legend, Stage, useReading, type Tone } from './pieces.js'
import { storyIn, type Played, type StoryArgs } from './story.js'

export interface ComparisonOptions extends Partial<LiveSocketOptions> {
  readonly seed?: number
  /** Latency of the network in each direction, ms. */
  readonly latency?: number
  /** Time between two messages, ms. */
  readonly every?: number
}

/** A live socket and a client that merely reconnects, on one device, with the same stream, servers and network. */
export function createComparison({ seed = 5, latency = 60, every = 100, ...options }: ComparisonOptions = {}) {
  const sim = createSimulation({ seed, latency })
  const feed = startFeed(sim, { every, latency })
  const client = connectClient(sim, { feed, ...options })
  const book = createBook(feed, () => sim.clock.monotonic(), false)
  const naive = connectNaively(sim, feed.topic, book.delivered)
  const marks: { at: number; label: string }[] = []
  return {
    sim,
    feed,
    client,
    book,
    naive,
    marks,
    mark: (label: string) => void marks.push({ at: sim.clock.monotonic(), label }),
  }
}
export type Comparison = ReturnType<typeof createComparison>

export interface ComparisonWords<World> {
  readonly title: string
  readonly lead: string
  /** The buttons with which a reader acts on the servers or the network. */
  readonly actions: (world: World) => ReactNode
  /** How much of the past is shown, ms. */
  readonly span: number
  /** Text alternatives of the two timelines. */
  readonly ours: string
  readonly theirs: string
}

/**
 * A story of one stream and two clients. After `play` LiveSocket must have lost and repeated nothing, and the other client
 * must have lost more than `loses` messages.
 */
export function comparisonStory<World extends Comparison>(
  createWorld: () => World,
  { actions, ...words }: ComparisonWords<World>,
  loses: number,
  play: (played: Played<World>) => Promise<void>,
): StoryObj<StoryArgs> {
  return storyIn(
    createWorld,
    (world, { playing }) => (
      <ComparisonStage comparison={world} playing={playing} actions={actions(world)} {...words} />
    ),
    async (played) => {
      await play(played)
      const { client, book } = played.world
      const shown = (side: 'ours' | 'theirs') =>
        Number(played.canvasElement.querySelector(`[data-client=${side}] [data-count=Lost]`)?.textContent)
      await expect(client.book!.summary()).toMatchObject({ lost: 0, repeated: 0, reordered: 0 })
      await expect(client.socket.stats().gaps).toBe(0)
      await expect(book.summary().lost).toBeGreaterThan(loses)
      await waitFor(() => expect([shown('ours'), shown('theirs')]).toEqual([0, book.summary().lost]))
    },
  )
}

export function toneOf({ status, handover, closed }: LiveSocketState): Tone {
  if (status === 'live') return handover ? 'handover' : 'live'
  if (status === 'closed') return closed?.by === 'signed-out' ? 'idle' : 'down'
  return status === 'connecting' ? 'connecting' : status === 'reconnecting' ? 'wait' : 'idle'
}

function ComparisonStage({
  comparison,
  playing,
  title,
  lead,
  actions,
  span,
  ours,
  theirs,
}: { comparison: Comparison; actions: ReactNode } & Omit<ComparisonWords<Comparison>, 'actions'> & StoryArgs) {
  const { sim, client, naive, book, marks } = comparison
  const left = useReading(
    useCallback(() => ({ ...client.book!.summary(), state: client.socket.store.getState() }), [client]),
  )
  const right = useReading(useCallback(() => ({ ...book.summary(), live: naive.live }), [book, naive]))
  const our = useCallback(
    () => ({ now: sim.clock.monotonic(), span, legs: client.recorder.legs, arrivals: client.recorder.arrivals, marks }),
    [sim, client, marks, span],
  )
  const their = useCallback(
    () => ({
      now: sim.clock.monotonic(),
      span,
      legs: naive.legs,
      arrivals: naive.arrivals,
      lost: book.summary().lostAt,
      marks,
    }),
    [sim, naive, book, marks, span],
  )
  return (
    <Stage title={title} lead={lead} sim={sim} playing={playing}>
      <div className="actions">{actions}</div>
      <Card
        title="LiveSocket"
        aside={
          <Badge tone={toneOf(left.state)}>
            {left.state.handover ? `${left.state.status}, handing over` : left.state.status}
          </Badge>
        }
      >
        <div className="side" data-client="ours">
          <LegTimeline label={ours} picture={our} />
          <Counters counts={countsOf(left)} />
        </div>
      </Card>
      <Card
        title="A WebSocket that reconnects"
        aside={<Badge tone={right.live ? 'live' : 'down'}>{right.live ? 'live' : 'reconnecting'}</Badge>}
      >
        <div className="side" data-client="theirs">
          <LegTimeline label={theirs} picture={their} />
          <Counters counts={countsOf(right)} />
        </div>
      </Card>
      <Legend />
    </Stage>
  )
}

function countsOf({
  sent,
  delivered,
  lost,
  repeated,
}: {
  sent: number
  delivered: number
  lost: number
  repeated: number
}) {
  return [
    { name: 'Sent', value: sent },
    { name: 'Delivered', value: delivered },
    { name: 'Lost', value: lost, tone: lost > 0 ? 'bad' : 'good' },
    { name: 'Repeated', value: repeated, tone: repeated > 0 ? 'bad' : 'good' },
  ] as const
}
