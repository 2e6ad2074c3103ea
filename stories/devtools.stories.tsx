import type { Meta } from '@storybook/react-vite'
import { createLiveSocket } from 'livesocket'
import { breakable, LiveSocketDevtools, type Recording } from 'livesocket/devtools'
import { createSimulation } from 'livesocket/testing'
import { expect, fn, userEvent, waitFor, within } from 'storybook/test'
import { startFeed } from './kit/feed.js'
import { Button, Stage } from './kit/pieces.js'
import { storyIn, type StoryArgs } from './kit/story.js'

function createWorld() {
  const sim = createSimulation({ seed: 7, latency: 160, requireToken: true })
  sim.tokens.ttl = 40_000
  const feed = startFeed(sim, { every: 200, latency: 160 })
  const wire = breakable(sim.environment.WebSocket)
  const socket = createLiveSocket({
    url: sim.url,
    environment: { ...sim.environment, WebSocket: wire },
    getToken: sim.getToken,
    reconnect: { spread: 1_000 },
    heartbeat: { interval: 2_000, timeout: 1_000 },
  })
  const news = sim.observe(socket, feed.topic)
  const beat = () => {
    void socket.publish('presence', 'here').catch(() => undefined)
    sim.clock.setTimeout(beat, 300)
  }
  beat()
  socket.connect()
  return { sim, socket, wire, news, exported: fn<(recording: Recording) => void>() }
}

const meta: Meta<StoryArgs> = { title: 'Operations/Devtools', args: { playing: true } }
export default meta

export const Panel = storyIn(
  createWorld,
  ({ sim, socket, wire, exported }, { playing }) => (
    <Stage
      title="What is it doing?"
      lead="The devtools show both legs on a timeline, the messages of each, the token’s schedule, the outbox and all events. They store no token and no message data, and a bundle that does not import them contains none of their code."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button onClick={() => sim.deploy({ deadline: 3_000 })}>Deploy</Button>
        <Button onClick={() => sim.delay({ down: 700 })}>Slow path</Button>
        <Button onClick={() => sim.delay(160)}>Fast path</Button>
      </div>
      <LiveSocketDevtools socket={socket} wire={wire} clock={sim.clock} onExport={exported} />
    </Stage>
  ),
  async ({ world: { sim, socket, news, exported }, canvasElement }) => {
    const root = await waitFor(() => {
      const found = [...canvasElement.querySelectorAll('*')].find((element) => element.shadowRoot)?.shadowRoot
      if (!found) throw new Error('the panel is not there yet')
      return found as unknown as HTMLElement
    })
    const panel = within(root)
    const press = (name: string) => userEvent.click(panel.getByRole('button', { name }))
    await sim.advance(4_000)
    await waitFor(() => expect(panel.getByRole('status')).toHaveTextContent('live'))
    await press('Hand over now')
    await sim.advance(4_000)
    await expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 0 })
    await press('Break it')
    await sim.advance(5_000)
    await expect(socket.stats()).toMatchObject({ handovers: 1, reconnects: 1 })
    await press('Freeze it')
    await sim.advance(5_000)
    // The frozen leg has been replaced by now, so there is nothing to thaw.
    await waitFor(() => expect(panel.getByText('Freeze it')).toBeVisible())
    await sim.advance(1_000)
    await expect(socket.store.getState().status).toBe('live')
    await expect(news.problems({ complete: false })).toEqual([])
    await waitFor(() => expect(panel.getAllByText('cutover').length).toBeGreaterThan(0))
    await press('Export')
    const recording = JSON.stringify(exported.mock.lastCall![0])
    await expect(recording).toContain('"type":"cutover"')
    await expect(recording).not.toMatch(/token-\d/)
  },
)
