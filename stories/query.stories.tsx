import type { Meta } from '@storybook/react-vite'
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import { keepCurrent, type Snapshot } from 'livesocket/query'
import { LiveSocketProvider } from 'livesocket/react'
import { createSimulation } from 'livesocket/testing'
import { useCallback, useEffect } from 'react'
import { expect, waitFor } from 'storybook/test'
import { Button, Card, Counters, Stage, useReading } from './kit/pieces.js'
import { StatusBadge } from './kit/status-badge.js'
import { storyIn, type StoryArgs } from './kit/story.js'

const QUERY = ['orders']

function createWorld() {
  const sim = createSimulation({ seed: 8 })
  const socket = createLiveSocket<{ orders: number }>({
    url: sim.url,
    environment: sim.environment,
    reconnect: { spread: 800 },
  })
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } })
  let fetches = 0
  socket.connect()
  sim.publishEvery(250, 'orders')
  return {
    sim,
    socket,
    client,
    fetches: () => fetches,
    /** The application's API: the present state, delivered 200 ms later. */
    fetchOrders: () => {
      fetches++
      const { epoch, offset } = sim.log.answer('orders', null)
      const snapshot = { state: sim.published.length, position: { epoch, offset } }
      return new Promise<Snapshot<number>>((resolve) => {
        sim.clock.setTimeout(() => resolve(snapshot), 200)
      })
    },
    refetch: () => void client.invalidateQueries({ queryKey: QUERY }),
    deploy: () => void sim.deploy({ deadline: 2_000 }),
    gap() {
      sim.crash()
      sim.clock.setTimeout(() => {
        sim.log.trim('orders')
        sim.restart()
      }, 1_000)
    },
  }
}
type World = ReturnType<typeof createWorld>

function Orders({ world: { sim, socket, client, fetchOrders, fetches } }: { world: World }) {
  const { data, isFetching } = useQuery({
    queryKey: QUERY,
    queryFn: fetchOrders,
    select: ({ state }: Snapshot<number>) => state,
  })
  useEffect(
    () => keepCurrent(socket, 'orders', { client, queryKey: QUERY, reducer: (count: number) => count + 1 }),
    [socket, client],
  )
  const published = useReading(useCallback(() => sim.published.length, [sim]))
  return (
    <Card title="Orders" aside={<StatusBadge patience={300} now={sim.clock.now} />}>
      <Counters
        wide
        counts={[
          { name: 'Published', value: published },
          { name: 'In the query', value: data ?? 0 },
          { name: 'Fetches', value: fetches() },
          { name: 'Fetching', value: isFetching ? 'yes' : 'no' },
        ]}
      />
    </Card>
  )
}

const meta: Meta<StoryArgs> = { title: 'LiveSocket/TanStack Query', args: { playing: true } }
export default meta

export const KeptCurrent = storyIn(
  createWorld,
  (world, { playing }) => (
    <Stage
      title="Fetched once, always current."
      lead="The query’s function fetches a snapshot; each message of the topic then goes into the query’s data, once. A refetch loses no message that arrives meanwhile, a deploy goes unnoticed, and after a gap the query is fetched again automatically."
      sim={world.sim}
      playing={playing}
    >
      <div className="actions">
        <Button kind="primary" onClick={world.refetch}>
          Fetch again
        </Button>
        <Button onClick={world.deploy}>Deploy</Button>
        <Button kind="danger" onClick={world.gap}>
          Crash, and lose the history
        </Button>
      </div>
      <QueryClientProvider client={world.client}>
        <LiveSocketProvider socket={world.socket as unknown as LiveSocket}>
          <Orders world={world} />
        </LiveSocketProvider>
      </QueryClientProvider>
    </Stage>
  ),
  async ({ world: { sim, client, fetches }, press }) => {
    const state = () => client.getQueryData<Snapshot<number>>(QUERY)?.state
    const isCurrent = () => waitFor(() => expect(state()).toBe(sim.published.length))
    await sim.advance(2_100)
    await isCurrent()
    await press('Fetch again')
    await sim.advance(1_000)
    await press('Deploy')
    await sim.advance(6_000)
    await isCurrent()
    await expect(fetches()).toBe(2)
    await press('Crash, and lose the history')
    await sim.advance(20_000)
    await isCurrent()
    await expect(fetches()).toBeGreaterThan(2)
  },
)
