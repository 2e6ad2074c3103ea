import type { Meta } from '@storybook/react-vite'
import { createSimulation } from 'livesocket/testing'
import { useCallback } from 'react'
import { expect, waitFor } from 'storybook/test'
import { connectClient, type Client } from './kit/client.js'
import { toneOf } from './kit/comparison.js'
import { startFeed } from './kit/feed.js'
import { LegTimeline } from './kit/leg-timeline.js'
import { Badge, Button, Card, Counters, Legend, Stage, useReading } from './kit/pieces.js'
import { storyIn, type StoryArgs } from './kit/story.js'

function createWorld() {
  const sim = createSimulation({ seed: 8, latency: 60, requireToken: true })
  const feed = startFeed(sim, { every: 150, latency: 60 })
  const options = { feed, getToken: sim.getToken }
  const marks: { at: number; label: string }[] = []
  return {
    sim,
    tabs: [connectClient(sim, options), connectClient(sim, { ...options, environment: sim.tab() })] as const,
    marks,
    mark: (label: string) => void marks.push({ at: sim.clock.monotonic(), label }),
  }
}
type World = ReturnType<typeof createWorld>

function Tab({ world, tab, name }: { world: World; tab: Client; name: string }) {
  const { sim, marks, mark } = world
  const { state, lost, delivered } = useReading(
    useCallback(() => ({ state: tab.socket.store.getState(), ...tab.book!.summary() }), [tab]),
  )
  const picture = useCallback(
    () => ({
      now: sim.clock.monotonic(),
      span: 12_000,
      legs: tab.recorder.legs,
      arrivals: tab.recorder.arrivals,
      marks,
    }),
    [sim, tab, marks],
  )
  const over = state.status === 'closed'
  return (
    <Card
      title={name}
      aside={<Badge tone={toneOf(state)}>{state.closed?.by === 'signed-out' ? 'signed out' : state.status}</Badge>}
    >
      <LegTimeline label={`The legs of ${name}`} picture={picture} />
      <Counters
        wide
        counts={[
          { name: 'Delivered', value: delivered },
          { name: 'Lost', value: lost, tone: lost > 0 ? 'bad' : 'good' },
        ]}
      />
      <div className="actions">
        {over ? (
          <Button onClick={() => tab.socket.connect()}>Sign in</Button>
        ) : (
          <Button
            kind="danger"
            onClick={() => {
              mark('sign-out')
              tab.socket.signOut()
            }}
          >{`Sign out in ${name}`}</Button>
        )}
      </div>
    </Card>
  )
}

function TwoTabs({ world, playing }: { world: World } & StoryArgs) {
  const { sim, tabs, mark } = world
  const requests = useReading(useCallback(() => sim.tokens.requests.length, [sim]))
  return (
    <Stage
      title="Two tabs, two sockets, one token, one sign-out."
      lead="Tabs of one browser share the token: one tab requests it, all use it. Signing out in one tab signs out in all of them, and no tab sends anything with the old token after that."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button
          kind="primary"
          onClick={() => {
            mark('deploy')
            sim.deploy({ deadline: 3_000, spread: 800 })
          }}
        >
          Deploy
        </Button>
        <p className="note">
          Token requests so far: <b data-count="Token requests">{requests}</b>
        </p>
      </div>
      <div className="columns">
        <Tab world={world} tab={tabs[0]} name="Tab 1" />
        <Tab world={world} tab={tabs[1]} name="Tab 2" />
      </div>
      <Legend loss={false} />
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/Two tabs', args: { playing: true } }
export default meta

const show = (world: World, { playing }: StoryArgs) => <TwoTabs playing={playing} world={world} />

export const OneToken = storyIn(createWorld, show, async ({ world: { sim, tabs }, canvasElement, press }) => {
  await sim.advance(3_000)
  await press('Deploy')
  await sim.advance(4_000)
  for (const { socket, book } of tabs) {
    await expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 0, gaps: 0 })
    await expect(book!.summary()).toMatchObject({ lost: 0, repeated: 0 })
  }
  await expect(sim.tokens.requests).toHaveLength(1)
  await waitFor(() => expect(canvasElement.querySelector('[data-count="Token requests"]')).toHaveTextContent(/^1$/))
})

export const OneSignOut = storyIn(createWorld, show, async ({ world: { sim, tabs }, canvas, press }) => {
  await sim.advance(3_000)
  const sent = () => sim.wire.filter(({ by }) => by === 'client').length
  await press('Sign out in Tab 1')
  // Frames sent before are still under way; the other tab learns of the sign-out at once.
  await sim.advance(200)
  const before = sent()
  await sim.advance(6_000)
  for (const { socket } of tabs) await expect(socket.store.getState().closed?.by).toBe('signed-out')
  await expect(sent()).toBe(before)
  await waitFor(() => expect(canvas.getAllByText('signed out')).toHaveLength(2))
})

export const SignedInAgain = storyIn(createWorld, show, async ({ world: { sim, tabs }, canvas, press }) => {
  await sim.advance(3_000)
  await press('Sign out in Tab 1')
  await sim.advance(3_000)
  await press('Sign in', 'Tab 2')
  await sim.advance(3_000)
  await expect(tabs.map(({ socket }) => socket.store.getState().status)).toEqual(['closed', 'live'])
  // A new session does not miss messages from the time in which nobody was signed in.
  await expect(tabs.map(({ book }) => book!.summary().lost)).toEqual([0, 0])
  await waitFor(() => expect(canvas.getAllByText('signed out')).toHaveLength(1))
})
