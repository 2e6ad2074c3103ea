// @vitest-environment happy-dom
import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import { render } from '@testing-library/react'
import { keepCurrent, type Snapshot } from 'livesocket/query'
import { StrictMode, useEffect } from 'react'
import { expect, it, onTestFinished } from 'vitest'
import { act } from '../kit/react-act.js'
import { api, append, world } from '../socket/fold-kit.js'

async function setUp() {
  const w = await world()
  const { load, asks } = api(w)
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, staleTime: Infinity } } })
  onTestFinished(() => {
    w.socket.close()
    client.clear()
  })
  const queryKey = ['orders']
  const { signal } = new AbortController()
  function Orders() {
    const { data, status } = useQuery({
      queryKey,
      // A query that reads its `signal` is fetched twice in StrictMode, with keepCurrent or without.
      queryFn: () => load({ signal, attempt: 0 }),
      select: ({ state }: Snapshot<readonly number[]>) => state,
    })
    useEffect(() => keepCurrent(w.socket, 'orders', { client, queryKey, reducer: append }), [])
    return <output>{data ? data.join(' ') : status}</output>
  }
  return {
    ...w,
    asks,
    show: (...components: number[]) =>
      render(
        <StrictMode>
          <QueryClientProvider client={client}>
            {components.map((n) => (
              <Orders key={n} />
            ))}
          </QueryClientProvider>
        </StrictMode>,
      ),
    advance: (ms: number) => act(() => w.simulation.advance(ms)),
  }
}

it('shows one query in many components, in StrictMode: one fetch, each message once', async () => {
  const { show, advance, simulation, asks, asked } = await setUp()
  simulation.publish('orders', 1)
  const { container } = show(1, 2)
  expect(container.textContent).toBe('pendingpending')
  await advance(20)
  simulation.publish('orders', 2)
  await advance(300)
  simulation.publish('orders', 3)
  await advance(100)
  expect(container.textContent).toBe('1 2 31 2 3')
  expect(asks).toHaveLength(1)
  expect(asked()).toHaveLength(1)
})

it('resumes where it was when it is mounted again, without a fetch', async () => {
  const { show, advance, simulation, asks } = await setUp()
  const { unmount } = show(1)
  await advance(300)
  unmount()
  simulation.publish('orders', 1)
  await advance(5_000)
  const { container } = show(1)
  await advance(100)
  expect(container.textContent).toBe('1')
  expect(asks).toHaveLength(1)
})

it('shows nothing of the user who signed out, and the next user’s data once the socket connects', async () => {
  const { show, advance, simulation, socket, asks } = await setUp()
  const { container } = show(1)
  simulation.publish('orders', 1)
  await advance(300)
  expect(container.textContent).toBe('1')
  act(() => socket.signOut())
  await advance(1_000)
  expect(container.textContent).toBe('pending')
  act(() => socket.connect())
  await advance(1_000)
  expect(container.textContent).toBe('1')
  expect(asks).toHaveLength(2)
})
