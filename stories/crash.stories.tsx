import type { Meta } from '@storybook/react-vite'
import { expect, waitFor } from 'storybook/test'
import { comparisonStory, createComparison } from './kit/comparison.js'
import { Button } from './kit/pieces.js'
import type { StoryArgs } from './kit/story.js'

function createWorld() {
  const world = createComparison({ seed: 11, latency: 90, every: 150, reconnect: { spread: 2_000 } })
  const crash = () => {
    world.mark('crash')
    world.sim.crash()
    world.sim.clock.setTimeout(() => world.sim.restart(), 700)
  }
  return { ...world, crash }
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/Crash and recovery', args: { playing: true } }
export default meta

export const EverythingIsReplayed = comparisonStory(
  createWorld,
  {
    span: 12_000,
    title: 'The server crashes. Nothing is missing.',
    lead: 'It dies without notice. LiveSocket reconnects at a random time within the spread that the servers can handle, states its position, and receives what it missed, in order. The other client starts again from now.',
    actions: ({ crash }) => (
      <>
        <Button kind="danger" onClick={crash}>
          Crash the server
        </Button>
        <p className="note">It is up again 0.7 seconds later.</p>
      </>
    ),
    ours: 'LiveSocket: the leg ends at the crash; the next leg brings the missed messages at once, and the stream continues',
    theirs: 'A WebSocket that reconnects: the messages sent during the break are lost',
  },
  5,
  async ({ world: { sim, client }, canvas, press }) => {
    await sim.advance(3_500)
    await press('Crash the server')
    await sim.advance(300)
    await waitFor(() => expect(canvas.getAllByText('reconnecting')).toHaveLength(2))
    await sim.advance(7_700)
    await expect(client.socket.stats()).toMatchObject({ handovers: 0, reconnects: 1 })
  },
)
