// @vitest-environment happy-dom
import type { LiveSocket, LiveSocketOptions } from 'livesocket'
import { useLiveReducer, useLiveSocket, useLiveStatus, type SharedLiveSocketOptions } from 'livesocket/react'
import { Activity, Suspense, use, useEffect } from 'react'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { act } from '../kit/react-act.js'
import { createStage } from './stage.js'

const seen = new Set<LiveSocket>()
const never = new Promise<never>(() => {})
const warned = vi.spyOn(console, 'warn').mockImplementation(() => {})

afterEach(() => {
  seen.clear()
  warned.mockClear()
})

function Part({ options }: { options: SharedLiveSocketOptions }) {
  const socket = useLiveSocket(options)
  useEffect(() => void seen.add(socket), [socket])
  return <output>{useLiveStatus((state) => state.status, Object.is, socket)}</output>
}

describe('useLiveSocket(options)', () => {
  it('opens one socket for three components in StrictMode, and none is left after they are unmounted', async () => {
    const stage = createStage()
    const { container, unmount } = stage.renderStrictly(
      [1, 2, 3].map((part) => <Part key={part} options={stage.options} />),
    )
    await stage.advance(1_000)
    expect(container.textContent).toBe('livelivelive')
    expect(stage.simulation.dials).toHaveLength(1)
    expect(seen.size).toBe(1)
    unmount()
    await stage.advance(2_000)
    expect(stage.connections()).toBe(0)
    expect([...seen].map((socket) => socket.store.getState().closed)).toEqual([{ by: 'app' }])
    expect(stage.simulation.dials).toHaveLength(1)
  })

  it('keeps it open while one component is left, and if one mounts a moment after the last one went', async () => {
    const stage = createStage()
    const { rerender } = stage.render([1, 2].map((part) => <Part key={part} options={stage.options} />))
    await stage.advance(1_000)
    rerender([<Part key={2} options={stage.options} />])
    await stage.advance(3_000)
    expect(stage.connections()).toBe(1)
    rerender([])
    await stage.advance(900)
    rerender([<Part key={3} options={stage.options} />])
    await stage.advance(3_000)
    expect(stage.connections()).toBe(1)
    expect(stage.simulation.dials).toHaveLength(1)
  })

  it('connects again for a component that mounts a moment after the last one went, if the application had closed it or signed out', async () => {
    const stage = createStage()
    const { rerender, container } = stage.render(<Part key={1} options={stage.options} />)
    await stage.advance(1_000)
    for (const [key, end] of (['signOut', 'close'] as const).entries()) {
      act(() => [...seen].at(-1)![end]())
      expect(container.textContent).toBe('closed')
      rerender(<></>)
      rerender(<Part key={key + 2} options={stage.options} />)
      await stage.advance(3_000)
      expect(container.textContent).toBe('live')
    }
    act(() => [...seen].at(-1)!.close())
    rerender([<Part key={9} options={stage.options} />, <Part key={3} options={stage.options} />])
    await stage.advance(3_000)
    // While a component holds it, the socket stays as the application left it.
    expect(container.textContent).toBe('closedclosed')
  })

  it('opens a new one for a component that mounts after it was closed', async () => {
    const stage = createStage()
    const { rerender, container } = stage.render(<Part key={1} options={stage.options} />)
    await stage.advance(1_000)
    rerender(<></>)
    await stage.advance(3_000)
    rerender(<Part key={2} options={stage.options} />)
    await stage.advance(1_000)
    expect(container.textContent).toBe('live')
    expect(seen.size).toBe(2)
    rerender(<></>)
    await stage.advance(3_000)
    rerender(<Part key={3} options={{ ...stage.options, connectTimeout: 5_000 }} />)
    await stage.advance(1_000)
    expect(seen.size).toBe(3)
    expect(stage.connections()).toBe(1)
    expect(warned).not.toHaveBeenCalled()
  })

  it('shares by key, or by the whole URL', async () => {
    const stage = createStage()
    const { rerender } = stage.render([
      <Part key={1} options={stage.options} />,
      <Part key={2} options={{ ...stage.options, url: new URL(stage.simulation.url) }} />,
      <Part key={3} options={{ ...stage.options, key: 'other' }} />,
      <Part key={4} options={{ ...stage.options, key: 'other' }} />,
    ])
    await stage.advance(1_000)
    expect(warned).not.toHaveBeenCalled()
    expect(stage.connections()).toBe(2)
    rerender([<Part key={1} options={{ ...stage.options, key: 'other' }} />])
    await stage.advance(3_000)
    expect(stage.connections()).toBe(1)
    expect(stage.simulation.dials).toHaveLength(2)
  })

  it('shares nothing if the URLs differ in the query or are functions; a function keeps its socket over renders', async () => {
    const stage = createStage()
    const { container, rerender } = stage.renderStrictly([
      <Part key={1} options={{ ...stage.options, url: `${stage.simulation.url}?room=1` }} />,
      <Part key={2} options={{ ...stage.options, url: `${stage.simulation.url}?room=2` }} />,
      <Part key={3} options={{ ...stage.options, url: () => `${stage.simulation.url}?room=3` }} />,
      <Part key={4} options={{ ...stage.options, url: () => `${stage.simulation.url}?room=4` }} />,
    ])
    await stage.advance(1_000)
    rerender([<Part key={4} options={{ ...stage.options, url: () => `${stage.simulation.url}?room=4` }} />])
    await stage.advance(3_000)
    expect(container.textContent).toBe('live')
    expect(stage.simulation.dials.map(({ url }) => new URL(url).search).sort()).toEqual([
      '?room=1',
      '?room=2',
      '?room=3',
      '?room=4',
    ])
    expect(stage.connections()).toBe(1)
    expect(warned).not.toHaveBeenCalled()
  })

  it('treats the same options in another order as equal', async () => {
    const stage = createStage()
    const { url, ...others } = stage.options
    stage.render([
      <Part key={1} options={{ ...others, url, heartbeat: { interval: 3_000, timeout: 2_000 } }} />,
      <Part key={2} options={{ heartbeat: { timeout: 2_000, interval: 3_000 }, url, ...others }} />,
    ])
    await stage.advance(1_000)
    expect(warned).not.toHaveBeenCalled()
    expect(seen.size).toBe(1)
  })

  it('warns once about different options with one key, and uses the first ones', async () => {
    const stage = createStage()
    const { rerender } = stage.renderStrictly([
      <Part
        key={1}
        options={{ ...stage.options, heartbeat: { interval: 3_000 }, handover: { redirectOrigins: ['wss://b.test'] } }}
      />,
      <Part
        key={2}
        options={{ ...stage.options, heartbeat: { interval: 9_000 }, handover: { redirectOrigins: ['wss://c.test'] } }}
      />,
      <Part key={3} options={stage.options} />,
    ])
    await stage.advance(1_000)
    rerender([<Part key={2} options={{ ...stage.options, heartbeat: false }} />])
    expect(stage.simulation.dials).toHaveLength(1)
    expect([...seen].filter((socket) => socket.store.getState().status === 'live')).toHaveLength(1)
    expect(warned.mock.calls).toEqual([
      [expect.stringContaining(`"${stage.simulation.url}" is in use with another heartbeat, handover`)],
    ])
  })

  it('accepts new functions in every render: no warning, no new connection, and the latest is called', async () => {
    const stage = createStage()
    const asked: number[] = []
    const options = (render: number): LiveSocketOptions => ({
      ...stage.options,
      getToken: (ask) => {
        asked.push(render)
        return stage.simulation.getToken(ask)
      },
      handover: { redirectOrigins: [], when: async () => void asked.push(render) },
    })
    const { rerender } = stage.render(<Part options={options(1)} />)
    await stage.advance(1_000)
    rerender(<Part options={options(2)} />)
    stage.simulation.deploy()
    await stage.advance(600_000)
    expect(asked[0]).toBe(1)
    expect(asked.length).toBeGreaterThan(2)
    expect(new Set(asked.slice(1))).toEqual(new Set([2]))
    expect(warned).not.toHaveBeenCalled()
    expect(stage.simulation.dials).toHaveLength(2)
  })

  it('does not connect before it is enabled', async () => {
    const stage = createStage()
    const { container, rerender } = stage.render(<Part options={{ ...stage.options, enabled: false }} />)
    await stage.advance(1_000)
    expect(container.textContent).toBe('idle')
    rerender(<Part options={{ ...stage.options, enabled: true }} />)
    await stage.advance(1_000)
    expect(container.textContent).toBe('live')
    rerender(<Part options={{ ...stage.options, enabled: false }} />)
    await stage.advance(3_000)
    expect(container.textContent).toBe('closed')
    expect(seen.size).toBe(1)
  })

  it('has one socket and one warning if two renders of one commit have different options', async () => {
    const stage = createStage()
    const { container } = stage.render([
      <Part key={1} options={{ ...stage.options, connectTimeout: 1_000 }} />,
      <Part key={2} options={{ ...stage.options, connectTimeout: 2_000 }} />,
    ])
    await stage.advance(1_000)
    expect(container.textContent).toBe('livelive')
    expect(stage.simulation.dials).toHaveLength(1)
    expect(warned).toHaveBeenCalledTimes(1)
  })

  it('opens nothing for a render that React discards, and ignores its options', async () => {
    const stage = createStage()
    // Testing Library wants to be awaited, for a component that never appears.
    const quiet = vi.spyOn(console, 'error').mockImplementation(() => {})
    const never = new Promise<void>(() => {})
    const Waiting = ({ options }: { options: LiveSocketOptions }) => {
      useLiveSocket(options)
      use(never)
      return null
    }
    const App = ({ page }: { page: 'waiting' | 'ready' }) =>
      page === 'waiting' ? (
        <Waiting options={{ ...stage.options, connectTimeout: 1 }} />
      ) : (
        <Part options={stage.options} />
      )
    const { container, rerender } = stage.render(
      <Suspense fallback="…">
        <App page="waiting" />
      </Suspense>,
    )
    await stage.advance(1_000)
    expect(stage.simulation.dials).toHaveLength(0)
    quiet.mockRestore()
    rerender(
      <Suspense fallback="…">
        <App page="ready" />
      </Suspense>,
    )
    await stage.advance(1_000)
    expect(container.textContent).toBe('live')
    expect(warned).not.toHaveBeenCalled()
  })

  it('reconnects the same socket when React hides its component for long and shows it again', async () => {
    const stage = createStage()
    const App = ({ mode }: { mode: 'visible' | 'hidden' }) => (
      <Activity mode={mode}>
        <Part options={stage.options} />
      </Activity>
    )
    const { container, rerender } = stage.render(<App mode="visible" />)
    await stage.advance(1_000)
    rerender(<App mode="hidden" />)
    await stage.advance(5_000)
    expect(stage.connections()).toBe(0)
    rerender(<App mode="visible" />)
    await stage.advance(1_000)
    expect(container.textContent).toBe('live')
    expect(stage.connections()).toBe(1)
    expect(seen.size).toBe(1)
  })

  it('continues with the socket that it used last, even if others with its key were hidden as long', async () => {
    const { options, render, advance, publish } = createStage()
    const Sum = () => {
      const socket = useLiveSocket(options)
      useEffect(() => void seen.add(socket), [socket])
      return <output>{useLiveReducer('room', (sum, data) => sum + Number(data), 0, { socket })}</output>
    }
    const page = (...shown: boolean[]) =>
      shown.map((is, key) => (
        <Activity key={key} mode={is ? 'visible' : 'hidden'}>
          <Sum />
        </Activity>
      ))
    const { rerender, container } = render(page(true))
    await advance(1_000)
    rerender(page(false))
    await advance(3_000)
    // The other component mounts while nobody holds the first one's socket. From here on both use the other one's own.
    rerender(page(false, true))
    await advance(1_000)
    rerender(page(true, true))
    await advance(1_000)
    expect(seen.size).toBe(2)
    await publish('room', 1)
    await advance(100)
    expect(container.textContent).toBe('11')
    rerender(page(false, false))
    await advance(3_000)
    rerender(page(true, false))
    await advance(1_000)
    rerender(page(true, true))
    await publish('room', 2)
    await advance(100)
    expect(container.textContent).toBe('33')
    expect(seen.size).toBe(2)
  })

  it('keeps showing a socket that it does not hold itself after its holder is gone', async () => {
    const { options, render, advance } = createStage()
    const page = (enabled: boolean, others: boolean) => (
      <>
        <Part options={{ ...options, enabled }} />
        {others && <Part options={options} />}
      </>
    )
    const { rerender, container } = render(page(true, false))
    await advance(1_000)
    rerender(page(false, false))
    await advance(3_000)
    rerender(page(false, true))
    await advance(1_000)
    rerender(page(false, true))
    expect(container.textContent).toBe('livelive')
    const [, theirs] = [...seen]
    rerender(page(false, false))
    await advance(3_000)
    rerender(page(false, false))
    expect(container.textContent).toBe('closed')
    rerender(page(true, false))
    await advance(1_000)
    expect([...seen].at(-1)).toBe(theirs)
    expect(theirs!.store.getState().status).toBe('live')
  })

  it('continues with its socket when it is enabled again after long, even while another component with its key waits', async () => {
    const { options, render, advance } = createStage()
    const Waiting = () => {
      useLiveSocket(options)
      return use(never)
    }
    const page = (enabled: boolean, waiting: boolean) => (
      <>
        <Part options={{ ...options, enabled }} />
        <Suspense>{waiting && <Waiting />}</Suspense>
      </>
    )
    const { rerender, container } = render(page(true, false))
    await advance(1_000)
    rerender(page(false, false))
    await advance(3_000)
    expect(container.textContent).toBe('closed')
    await act(async () => rerender(page(false, true)))
    await act(async () => rerender(page(true, true)))
    await advance(3_000)
    expect(container.textContent).toBe('live')
    expect(seen.size).toBe(1)
  })

  it('shares nothing with a second copy of the module on the page', async () => {
    const stage = createStage()
    vi.resetModules()
    const copy = (await import('livesocket/react')) as typeof import('livesocket/react')
    expect(copy.useLiveSocket).not.toBe(useLiveSocket)
    const Other = () => (
      <output>{copy.useLiveStatus((state) => state.status, Object.is, copy.useLiveSocket(stage.options))}</output>
    )
    const { container, unmount } = stage.render([<Part key={1} options={stage.options} />, <Other key={2} />])
    await stage.advance(1_000)
    expect(container.textContent).toBe('livelive')
    unmount()
    await stage.advance(3_000)
    expect(stage.connections()).toBe(0)
  })
})
