import type { Meta, StoryObj } from '@storybook/react-vite'
import { expect, userEvent, waitFor, within } from 'storybook/test'
import { ComparisonStage, createComparison, shown } from './kit/comparison.js'
import { Button, type StoryArgs } from './kit/pieces.js'

function createWorld() {
  const world = createComparison({ seed: 11, latency: 90, every: 150, reconnect: { spread: 2_000 } })
  const crash = () => {
    world.mark('crash')
    world.sim.crash()
    world.sim.clock.setTimeout(() => world.sim.restart(), 700)
  }
  return { ...world, crash }
}
type World = ReturnType<typeof createWorld>

const meta: Meta<StoryArgs> = { title: 'LiveSocket/Crash and recovery', args: { playing: true } }
export default meta

export const EverythingIsReplayed: StoryObj<StoryArgs> = {
  loaders: [() => ({ world: createWorld() })],
  render: ({ playing }, { loaded }) => {
    const world = loaded['world'] as World
    return (
      <ComparisonStage
        comparison={world}
        playing={playing}
        span={12_000}
        title="Nobody was asked. Nothing is missing."
        lead="The server dies without a word. LiveSocket comes back at a random moment of the spread that the servers can carry, says where it was, and is given what it has missed, in order. The other one begins again from now."
        actions={
          <>
            <Button kind="danger" onClick={world.crash}>
              Crash the server
            </Button>
            <p className="note">It is up again 0.7 seconds later.</p>
          </>
        }
        ours="LiveSocket: the leg ends at the crash; the next one brings what was missed at once, and the stream goes on"
        theirs="A WebSocket that reconnects: what was sent while it was away is lost"
      />
    )
  },
  play: async ({ canvasElement, loaded }) => {
    const { sim, client, book } = loaded['world'] as World
    await sim.advance(3_500)
    await userEvent.click(within(canvasElement).getByRole('button', { name: 'Crash the server' }))
    await sim.advance(300)
    await waitFor(() => expect(within(canvasElement).getAllByText('reconnecting')).toHaveLength(2))
    await sim.advance(7_700)

    await expect(client.book!.summary()).toMatchObject({ lost: 0, duplicated: 0, disordered: 0 })
    await expect(client.socket.stats()).toMatchObject({ reconnects: 1, gaps: 0 })
    await expect(book.summary().lost).toBeGreaterThan(0)
    await waitFor(() => expect(shown(canvasElement, 'ours', 'Lost')).toBe('0'))
  },
}
