import type { Meta, StoryObj } from '@storybook/react-vite'
import { expect, userEvent, waitFor, within } from 'storybook/test'
import { ComparisonStage, createComparison, shown } from './kit/comparison.js'
import { Button, type StoryArgs } from './kit/pieces.js'

function createWorld() {
  // A phone's latency: it shows what happens between two servers.
  const world = createComparison({ seed: 5, latency: 180 })
  const { sim, client } = world
  // It writes, too: an old leg is kept until what was asked on it is answered.
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
type World = ReturnType<typeof createWorld>

const meta: Meta<StoryArgs> = { title: 'LiveSocket/A rolling deploy', args: { playing: true } }
export default meta

export const BesideANaiveClient: StoryObj<StoryArgs> = {
  loaders: [() => ({ world: createWorld() })],
  render: ({ playing }, { loaded }) => {
    const world = loaded['world'] as World
    return (
      <ComparisonStage
        comparison={world}
        playing={playing}
        span={7_000}
        title="The servers are replaced. The stream is not."
        lead="Both clients read one stream, from the same servers, over the same network. At the deploy a new server starts, the old one asks its clients to move, and closes what is left after 1.5 seconds."
        actions={
          <>
            <Button kind="primary" onClick={world.deploy}>
              Deploy
            </Button>
            <p className="note">As often as you like.</p>
          </>
        }
        ours="LiveSocket: the new leg is dialled beside the old one and takes over; the stream has no hole"
        theirs="A WebSocket that reconnects: it is closed at the deadline, and what was sent until the next one serves is lost"
      />
    )
  },
  play: async ({ canvasElement, loaded }) => {
    const { sim, client, book } = loaded['world'] as World
    await sim.advance(3_600)
    await userEvent.click(within(canvasElement).getByRole('button', { name: 'Deploy' }))
    await sim.advance(5_000)

    await expect(client.book!.summary()).toMatchObject({ lost: 0, duplicated: 0, disordered: 0 })
    await expect(client.socket.stats()).toMatchObject({ handovers: 1, reconnects: 0, gaps: 0 })
    await expect(book.summary().lost).toBeGreaterThan(10)
    await waitFor(async () => {
      await expect(shown(canvasElement, 'ours', 'Lost')).toBe('0')
      await expect(Number(shown(canvasElement, 'theirs', 'Lost'))).toBeGreaterThan(10)
    })
  },
}
