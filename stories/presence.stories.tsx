import type { Meta } from '@storybook/react-vite'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import { presence } from 'livesocket/presence'
import { LiveSocketProvider, usePresence } from 'livesocket/react'
import { createSimulation } from 'livesocket/testing'
import { useCallback } from 'react'
import { expect, waitFor } from 'storybook/test'
import { Button, Card, Counters, Stage, useReading } from './kit/pieces.js'
import { StatusBadge } from './kit/status-badge.js'
import { storyIn, type StoryArgs } from './kit/story.js'
import './presence.css'

interface Saying {
  readonly doing: string
}
interface Shown {
  readonly name: string
}

const ROOM = 'room'
const NAMES = ['You', 'Mira', 'Tomás', 'Aiko', 'Ben']
const DOING = ['reading', 'writing', 'looking around']

function createWorld() {
  const names = new Map(NAMES.map((name, at) => [`user-${at + 1}`, name]))
  const sim = createSimulation({
    seed: 21,
    servers: 2,
    latency: 60,
    requireToken: true,
    presence: (_, subject) => ({ show: { name: names.get(subject!)! } }),
  })
  const devices = NAMES.map((_, at) => (at === 0 ? sim : sim.device()))
  const sockets = devices.map(({ environment, getToken }) => {
    const socket = createLiveSocket({ url: sim.url, environment, getToken, reconnect: { spread: 800 } })
    socket.connect()
    return socket
  })
  const theirs = sockets.slice(1).map((socket) => presence<Saying>(socket, ROOM, { data: { doing: DOING[0]! } }))
  // Each of them updates its data from time to time.
  theirs.forEach((here, at) => {
    let count = at
    sim.clock.setTimeout(
      function next() {
        void here.update({ doing: DOING[++count % DOING.length]! }).catch(() => undefined)
        sim.clock.setTimeout(next, 3_100 + 400 * at)
      },
      1_500 + 700 * at,
    )
  })
  // The changes that the page shows, counted from the same list that the hook reads.
  const seen = { left: 0, came: 0 }
  presence<Saying, Shown>(sockets[0]!, ROOM).members.subscribe((members, before) => {
    const ids = (list: typeof members) => new Set(list.map(({ id }) => id))
    const [now, then] = [ids(members), ids(before)]
    seen.left += [...then].filter((id) => !now.has(id)).length
    seen.came += [...now].filter((id) => !then.has(id)).length
  })
  return {
    sim,
    socket: sockets[0]!,
    sockets,
    seen,
    mira: devices[1]!,
    deploy: () => void sim.deploy({ deadline: 2_000 }),
    crash() {
      sim.crash()
      sim.clock.setTimeout(() => sim.restart(), 1_500)
    },
  }
}
type World = ReturnType<typeof createWorld>

function Room() {
  const members = usePresence<Saying, Shown>(ROOM, { doing: 'watching' })
  return (
    <ul className="members" aria-label="Who is here">
      {members.map(({ id, user, data }) => (
        <li key={id} data-member={user.name}>
          <span className="face" aria-hidden="true">
            {user.name[0]}
          </span>
          <span>
            <b>{user.name}</b>
            <small>{data?.doing}</small>
          </span>
        </li>
      ))}
    </ul>
  )
}

function PresenceStory({ world, playing }: { world: World } & StoryArgs) {
  const { sim, socket, sockets, seen, mira } = world
  const read = useReading(
    useCallback(
      () => ({ ...seen, handovers: sockets.reduce((sum, one) => sum + one.stats().handovers, 0) }),
      [seen, sockets],
    ),
  )
  return (
    <Stage
      title="The servers are replaced. Nobody leaves the room."
      lead="A member is present as long as it has a connection to any server, so others do not notice a handover. A member that disappears without signing off, such as a closed laptop, is removed once, 5 seconds later. If it returns within that time, it never left."
      sim={sim}
      playing={playing}
    >
      <div className="actions">
        <Button kind="primary" onClick={world.deploy}>
          Deploy
        </Button>
        <Button onClick={() => mira.sleep()}>Mira closes the laptop</Button>
        <Button onClick={() => mira.wake()}>Mira opens it</Button>
        <Button kind="danger" onClick={world.crash}>
          Crash the servers
        </Button>
      </div>
      <LiveSocketProvider socket={socket as unknown as LiveSocket}>
        <Card title="Who is here" aside={<StatusBadge patience={300} now={sim.clock.now} />}>
          <Room />
          <Counters
            wide
            counts={[
              { name: 'Handovers', value: read.handovers },
              { name: 'Came', value: read.came },
              { name: 'Left', value: read.left },
            ]}
          />
        </Card>
      </LiveSocketProvider>
    </Stage>
  )
}

const meta: Meta<StoryArgs> = { title: 'React/Presence', args: { playing: true } }
export default meta

export const NobodyFlickers = storyIn(
  createWorld,
  (world, { playing }) => <PresenceStory playing={playing} world={world} />,
  async ({ world: { sim, sockets, seen }, canvas, press }) => {
    const isHere = (...names: string[]) =>
      waitFor(() =>
        expect(canvas.getAllByRole('listitem').map((item: HTMLElement) => item.dataset['member'])).toEqual(
          expect.arrayContaining(names),
        ),
      )
    await sim.advance(3_000)
    await isHere(...NAMES)
    await expect(seen).toEqual({ came: 5, left: 0 })
    await press('Deploy')
    await sim.advance(4_000)
    await expect(sockets.map((socket) => socket.stats().handovers)).toEqual([1, 1, 1, 1, 1])
    await press('Crash the servers')
    await sim.advance(8_000)
    await isHere(...NAMES)
    await expect(seen).toEqual({ came: 5, left: 0 })
    await press('Mira closes the laptop')
    // Her server notices the silence first; from then on she has 5 s to come back.
    await sim.advance(30_000)
    await waitFor(() => expect(canvas.queryByText('Mira')).toBeNull())
    await press('Mira opens it')
    await sim.advance(5_000)
    await isHere(...NAMES)
    await expect(seen).toEqual({ came: 6, left: 1 })
  },
)
