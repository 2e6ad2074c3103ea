import type { Meta } from '@storybook/react-vite'
import { expect } from 'storybook/test'
import { comparisonStory, createComparison } from './kit/comparison.js'
import { Button } from './kit/pieces.js'
import type { StoryArgs } from './kit/story.js'

function createWorld() {
  const world = createComparison({ seed: 4, latency: 60, every: 180, heartbeat: { interval: 1_000, timeout: 800 } })
  const { sim, mark } = world
  return {
    ...world,
    tunnel() {
      mark('tunnel')
      sim.offline()
      sim.clock.setTimeout(() => sim.online(), 1_500)
    },
    change() {
      mark('other network')
      sim.changeNetwork()
    },
    freeze() {
      mark('path freezes')
      sim.freeze()
    },
    slow() {
      mark('slow')
      sim.delay({ down: 400 })
      sim.clock.setTimeout(() => sim.delay(60), 2_000)
    },
  }
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/Flaky network', args: { playing: true } }
export default meta

export const TunnelsAndDeadPaths = comparisonStory(
  createWorld,
  {
    span: 14_000,
    title: 'From the train, through the tunnel, into the office.',
    lead: 'A dead path can look open for minutes. LiveSocket pings, gets no answer, and dials a new leg while the old one may still recover; after a change of network it checks within two seconds. The other client waits for a close that does not come.',
    actions: ({ tunnel, change, freeze, slow }) => (
      <>
        <Button onClick={tunnel}>Tunnel, 1.5 s</Button>
        <Button onClick={change}>Other network</Button>
        <Button onClick={freeze}>Freeze the path</Button>
        <Button onClick={slow}>400 ms slow, 2 s</Button>
      </>
    ),
    ours: 'LiveSocket: a silent leg is replaced by another one that brings the missed messages',
    theirs: 'A WebSocket that reconnects: it receives nothing and believes that it is live',
  },
  20,
  async ({ world: { sim, client }, press }) => {
    await sim.advance(2_500)
    await press('Tunnel, 1.5 s')
    await sim.advance(4_500)
    await press('Other network')
    await sim.advance(6_500)
    await expect(client.socket.store.getState().status).toBe('live')
    await expect(client.socket.stats()).toMatchObject({ handovers: 1, reconnects: 0 })
  },
)
