import type { Meta } from '@storybook/react-vite'
import { createLiveSocket, type LiveSocketState } from 'livesocket'
import { LiveSocketProvider } from 'livesocket/react'
import { createSimulation } from 'livesocket/testing'
import { expect, waitFor, within } from 'storybook/test'
import { Button, Card, Stage } from './kit/pieces.js'
import { badgeOf, BadgeView, StatusBadge } from './kit/status-badge.js'
import { storyIn, type StoryArgs } from './kit/story.js'

function createWorld() {
  const sim = createSimulation({ seed: 3, latency: 80, requireToken: true })
  const socket = createLiveSocket({
    url: sim.url,
    environment: sim.environment,
    getToken: sim.getToken,
    reconnect: { spread: 8_000 },
  })
  const idle = socket.store.getState()
  socket.connect()
  return { sim, socket, idle }
}
type World = ReturnType<typeof createWorld>

const NOW = 0
function states(
  idle: LiveSocketState,
): readonly (readonly [string, LiveSocketState, { long?: boolean; online?: boolean }?])[] {
  const live: LiveSocketState = {
    ...idle,
    status: 'live',
    everLive: true,
    leg: { number: 1, url: 'wss://live.test/live', server: 'server-1', since: NOW },
  }
  const broken: LiveSocketState = { ...live, status: 'reconnecting', leg: null, retry: { attempt: 2, at: NOW + 7_000 } }
  const closed = (by: NonNullable<LiveSocketState['closed']>['by']): LiveSocketState => ({
    ...broken,
    status: 'closed',
    retry: null,
    closed: { by },
  })
  return [
    ['First load', { ...idle, status: 'connecting' }],
    ['Live', live],
    [
      'Handing over during a deploy',
      { ...live, handover: { id: 'h', reason: 'deploy', phase: 'overlapping', deadline: NOW + 9_000 } },
    ],
    ['The token could not be renewed', { ...live, token: { status: 'stale', refreshAt: null, expiresAt: NOW } }],
    ['A break of less than 5 s', broken],
    ['A longer break', broken, { long: true }],
    ['The device is offline', broken, { long: true, online: false }],
    ['The session has ended', closed('session-ended')],
    ['Signed out, here or in another tab', closed('signed-out')],
    ['The server refuses this user', closed('forbidden')],
    ['Another window has taken over', closed('superseded')],
    ['The server does not speak the protocol', closed('protocol')],
  ]
}

function Kit({ world, playing }: { world: World } & StoryArgs) {
  const { sim, socket, idle } = world
  return (
    <Stage
      title="A status that says what a user has to know."
      lead="And nothing else: during a planned handover and a short break it stays “Live”, and where the user can do something the badge has a button for it. Copy stories/kit/status-badge.tsx."
      sim={sim}
      playing={playing}
    >
      <Card
        title="A live one"
        aside={
          <LiveSocketProvider socket={socket}>
            <StatusBadge patience={400} now={sim.clock.now} />
          </LiveSocketProvider>
        }
      >
        <div className="actions">
          <Button onClick={() => sim.deploy({ deadline: 3_000 })}>Deploy</Button>
          <Button
            kind="danger"
            onClick={() => {
              sim.crash()
              sim.clock.setTimeout(() => sim.restart(), 3_000)
            }}
          >
            Crash for 3 s
          </Button>
          <Button onClick={() => socket.signOut()}>Sign out</Button>
        </div>
      </Card>
      <Card title="All its states">
        <dl className="gallery">
          {states(idle).map(([name, state, { long = false, online = true } = {}]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <BadgeView {...badgeOf(state, { long, online, now: NOW })} />
              </dd>
            </div>
          ))}
        </dl>
      </Card>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'Kit/Status badge', args: { playing: true } }
export default meta

export const StatusBadgeKit = storyIn(
  createWorld,
  (world, { playing }) => <Kit playing={playing} world={world} />,
  async ({ world: { sim }, canvas, press }) => {
    const card = within(canvas.getByRole('region', { name: 'A live one' }))
    const says = (text: string) => waitFor(() => expect(card.getByRole('status')).toHaveTextContent(text))
    await sim.advance(1_000)
    await says('Live')
    await press('Deploy')
    await sim.advance(2_000)
    await says('Live')
    await press('Crash for 3 s')
    await sim.advance(200)
    // A user need not know of such a short break.
    await says('Live')
    await sim.advance(600)
    await says('Reconnecting')
    await sim.advance(15_000)
    await says('Live')
    await press('Sign out')
    await says('Signed out')
    await press('Sign in', 'A live one')
    await sim.advance(1_000)
    await says('Live')
  },
)
