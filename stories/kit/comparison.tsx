import type { LiveSocketOptions } from 'livesocket'
import { createSimulation } from 'livesocket/testing'
import { useCallback, type ReactNode } from 'react'
import { connectClient } from './client.js'
import { createBook, startFeed } from './feed.js'
import { LegTimeline } from './leg-timeline.js'
import { connectNaively } from './naive-client.js'
import { Badge, Card, Counters, Legend, Stage, useReading, type StoryArgs, type Tone } from './pieces.js'
import type { LiveSocketState } from 'livesocket'

export interface ComparisonOptions extends Partial<LiveSocketOptions> {
  readonly seed?: number
  /** Of the network in each direction, ms. */
  readonly latency?: number
  /** Between two messages, ms. */
  readonly every?: number
}

/** A live socket and a client that just reconnects, on one device: the same stream, servers and network. */
export function createComparison({ seed = 5, latency = 60, every = 100, ...options }: ComparisonOptions = {}) {
  const sim = createSimulation({ seed, latency })
  const feed = startFeed(sim, { every, latency })
  const client = connectClient(sim, { feed, ...options })
  const book = createBook(feed, () => sim.clock.monotonic(), false)
  const naive = connectNaively(sim, feed.topic, book.delivered)
  const marks: { at: number; label: string }[] = []
  return { sim, feed, client, book, naive, marks, mark: (label: string) => void marks.push({ at: sim.clock.monotonic(), label }) }
}
export type Comparison = ReturnType<typeof createComparison>

export function toneOf({ status, handover }: LiveSocketState): Tone {
  if (status === 'live') return handover ? 'moving' : 'live'
  return status === 'connecting' ? 'connecting' : status === 'reconnecting' ? 'wait' : status === 'closed' ? 'down' : 'idle'
}

export function ComparisonStage({
  comparison,
  playing,
  title,
  lead,
  actions,
  span,
  ours,
  theirs,
}: { comparison: Comparison; title: string; lead: string; actions: ReactNode; span: number; ours: string; theirs: string } & StoryArgs) {
  const { sim, client, naive, book, marks } = comparison
  const left = useReading(useCallback(() => ({ ...client.book!.summary(), state: client.socket.store.getState() }), [client]))
  const right = useReading(useCallback(() => ({ ...book.summary(), live: naive.live }), [book, naive]))
  const our = useCallback(() => ({ now: sim.clock.monotonic(), span, legs: client.recorder.legs, arrivals: client.recorder.arrivals, marks }), [sim, client, marks, span])
  const their = useCallback(
    () => ({ now: sim.clock.monotonic(), span, legs: naive.legs, arrivals: naive.arrivals, lost: book.summary().lostAt, marks }),
    [sim, naive, book, marks, span],
  )
  return (
    <Stage title={title} lead={lead} sim={sim} playing={playing}>
      <div className="actions">{actions}</div>
      <Card title="LiveSocket" aside={<Badge tone={toneOf(left.state)}>{left.state.handover ? `${left.state.status}, moving` : left.state.status}</Badge>}>
        <div className="side" data-client="ours">
          <LegTimeline label={ours} picture={our} />
          <Counters counts={countsOf(left)} />
        </div>
      </Card>
      <Card title="A WebSocket that reconnects" aside={<Badge tone={right.live ? 'live' : 'down'}>{right.live ? 'live' : 'reconnecting'}</Badge>}>
        <div className="side" data-client="theirs">
          <LegTimeline label={theirs} picture={their} />
          <Counters counts={countsOf(right)} />
        </div>
      </Card>
      <Legend />
    </Stage>
  )
}

function countsOf({ sent, delivered, lost, duplicated }: { sent: number; delivered: number; lost: number; duplicated: number }) {
  return [
    { name: 'Sent', value: sent },
    { name: 'Delivered', value: delivered },
    { name: 'Lost', value: lost, tone: lost > 0 ? 'bad' : 'good' },
    { name: 'Repeated', value: duplicated, tone: duplicated > 0 ? 'bad' : 'good' },
  ] as const
}

/** What a counter of one side shows. */
export function shown(canvas: HTMLElement, side: 'ours' | 'theirs', name: string): string | null | undefined {
  return canvas.querySelector(`[data-client=${side}] [data-count=${name}]`)?.textContent
}
