import type { Meta } from '@storybook/react-vite'
import { expect } from 'storybook/test'
import { comparisonStory, createComparison } from './kit/comparison.js'
import { Button } from './kit/pieces.js'
import type { StoryArgs } from './kit/story.js'

function createWorld() {
  // A phone's latency makes visible what happens between the two servers.
  const world = createComparison({ seed: 5, latency: 180 })
  const { sim, client } = world
  // The client publishes too: an old leg is kept until its publishes are answered.
  let beats = 0
  const beat = () => {
    void client.socket.publish('presence', ++beats).catch(() => undefined)
    sim.clock.setTimeout(beat, 130)
  }
  beat()
  const deploy = () => {
    world.mark('deploy')
    sim.deploy({ deadline: 1_500 })
  }
  return { ...world, deploy }
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/A rolling deploy', args: { playing: true } }
export default meta

export const BesideANaiveClient = comparisonStory(
  createWorld,
  {
    span: 7_000,
    title: 'The servers are replaced. The stream is not.',
    lead: 'Both clients read one stream, from the same servers, over the same network. At the deploy a new server starts. The old one asks its clients to hand over, and closes the remaining connections after 1.5 seconds.',
    actions: ({ deploy }) => (
      <>
        <Button kind="primary" onClick={deploy}>
          Deploy
        </Button>
        <p className="note">As often as you like.</p>
      </>
    ),
    ours: 'LiveSocket: the new leg is dialled while the old one still serves, and takes over; the stream has no hole',
    theirs:
      'A WebSocket that reconnects: it is closed at the deadline, and the messages until the next one is open are lost',
  },
  10,
  async ({ world: { sim, client }, press }) => {
    await sim.advance(3_600)
    await press('Deploy')
    await sim.advance(5_000)
    await expect(client.socket.stats()).toMatchObject({ handovers: 1, reconnects: 0 })
  },
)
