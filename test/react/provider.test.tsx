// @vitest-environment happy-dom
import { createLiveSocket, type LiveSocket, type LiveSocketOptions } from 'livesocket'
import { LiveSocketProvider, useLiveSocket, useLiveStatus, useLiveValue } from 'livesocket/react'
import { startTransition, Suspense, use, useEffect, useState } from 'react'
import { describe, expect, it, vi } from 'vitest'
import { act } from '../kit/react-act.js'
import { createStage } from './stage.js'

function Status() {
  return <output>{useLiveStatus()}</output>
}

describe('<LiveSocketProvider options>', () => {
  it('connects one socket when it is mounted and closes it after it is unmounted, in StrictMode too', async () => {
    const stage = createStage()
    const { container, unmount } = stage.renderStrictly(
      <LiveSocketProvider options={stage.options}>
        <Status />
      </LiveSocketProvider>,
    )
    expect(container.textContent).toBe('connecting')
    await stage.advance(1_000)
    expect(container.textContent).toBe('live')
    expect(stage.simulation.dials).toHaveLength(1)

    unmount()
    await stage.advance(5_000)
    expect(stage.connections()).toBe(0)
    expect(stage.simulation.dials).toHaveLength(1)
  })

  it('calls the functions of the last render, and does not reconnect when they change', async () => {
    const stage = createStage()
    const tokens: string[] = []
    const App = ({ user }: { user: string }) => {
      const getToken: LiveSocketOptions['getToken'] = (ask) => {
        tokens.push(user)
        return stage.simulation.getToken(ask)
      }
      return (
        <LiveSocketProvider options={{ ...stage.options, getToken }}>
          <Status />
        </LiveSocketProvider>
      )
    }
    const { rerender } = stage.render(<App user="ann" />)
    await stage.advance(1_000)
    rerender(<App user="bob" />)
    await stage.advance(600_000)
    expect(tokens[0]).toBe('ann')
    expect(tokens.at(-1)).toBe('bob')
    expect(stage.simulation.dials).toHaveLength(1)
  })

  it('keeps showing the present page in a transition to another key until the next page has what it waits for', async () => {
    const stage = createStage()
    const loads = new Map<object, Promise<string>>()
    let loaded = () => {}
    const Page = () => {
      const socket = useLiveSocket()
      const load = loads.get(socket) ?? new Promise((resolve) => (loaded = () => resolve('loaded')))
      loads.set(socket, load)
      return use(load)
    }
    let go = () => {}
    const App = () => {
      const [key, setKey] = useState('ann')
      go = () => setKey('bob')
      return (
        <LiveSocketProvider options={{ ...stage.options, key }}>
          {key}: {key === 'ann' ? 'nothing to wait for' : <Page />}
        </LiveSocketProvider>
      )
    }
    const { container } = stage.render(
      <Suspense>
        <App />
      </Suspense>,
    )
    await act(async () => startTransition(go))
    expect(container.textContent).toBe('ann: nothing to wait for')
    await act(async () => loaded())
    expect(container.textContent).toBe('bob: loaded')
    expect(loads.size).toBe(1)
  })

  it('keeps the same socket for a key that comes back a moment later', async () => {
    const stage = createStage()
    const seen: LiveSocket[] = []
    const Seen = () => {
      seen.push(useLiveSocket() as LiveSocket)
      return null
    }
    const page = (key: string) => (
      <LiveSocketProvider options={{ ...stage.options, key }}>
        <Seen />
      </LiveSocketProvider>
    )
    const { rerender } = stage.render(page('ann'))
    await stage.advance(1_000)
    rerender(page('bob'))
    rerender(page('ann'))
    expect(seen.at(-1)).toBe(seen[0])
    await stage.advance(10_000)
    expect([stage.simulation.dials.length, stage.connections()]).toEqual([2, 1])
  })

  it('creates another socket for another key, and closes the previous one', async () => {
    const stage = createStage()
    const App = ({ room }: { room: string }) => (
      <LiveSocketProvider options={{ ...stage.options, key: room }}>
        <Status />
      </LiveSocketProvider>
    )
    const { container, rerender } = stage.render(<App room="a" />)
    await stage.advance(1_000)
    rerender(<App room="b" />)
    await stage.advance(5_000)
    expect(container.textContent).toBe('live')
    expect(stage.simulation.dials).toHaveLength(2)
    expect(stage.connections()).toBe(1)
  })

  it('has a socket of its own, even beside another provider with the same options', async () => {
    const stage = createStage()
    const Price = () => <output>{String(useLiveValue('price'))}</output>
    const Page = ({ second }: { second: boolean }) => (
      <>
        <LiveSocketProvider options={stage.options}>
          <Price />
        </LiveSocketProvider>
        {second && (
          <LiveSocketProvider options={stage.options}>
            <Price />
          </LiveSocketProvider>
        )}
      </>
    )
    const { container, rerender } = stage.renderStrictly(<Page second />)
    await stage.publish('price', 1)
    await stage.publish('price', 2)
    expect(container.textContent).toBe('22')
    expect(stage.connections()).toBe(2)
    rerender(<Page second={false} />)
    await stage.advance(3_000)
    await stage.publish('price', 3)
    expect(container.textContent).toBe('3')
    expect(stage.connections()).toBe(1)
  })

  it('sends the topics of its children in its first hello', async () => {
    const stage = createStage()
    function Price() {
      return <output>{String(useLiveValue('price'))}</output>
    }
    const { container } = stage.render(
      <LiveSocketProvider options={stage.options}>
        <Price />
      </LiveSocketProvider>,
    )
    await stage.advance(1_000)
    await stage.publish('price', 7)
    expect(container.textContent).toBe('7')
    expect(stage.sent('subscribe')).toEqual([])
  })
})

describe('<LiveSocketProvider socket>', () => {
  it('leaves connecting and closing to the owner of the socket', async () => {
    const stage = createStage()
    const socket = createLiveSocket(stage.options)
    const { container, unmount } = stage.renderStrictly(
      <LiveSocketProvider socket={socket}>
        <Status />
      </LiveSocketProvider>,
    )
    await stage.advance(1_000)
    expect(container.textContent).toBe('idle')
    socket.connect()
    await stage.advance(1_000)
    expect(container.textContent).toBe('live')
    unmount()
    await stage.advance(10_000)
    expect(socket.store.getState().status).toBe('live')
    socket.close()
  })

  it('may be beside or inside another one: the nearest one counts', async () => {
    const stage = createStage()
    const [one, two] = [createLiveSocket(stage.options), createLiveSocket(stage.options)]
    const seen: Record<string, LiveSocket> = {}
    const Note = ({ as }: { as: string }) => {
      const socket = useLiveSocket()
      useEffect(() => void (seen[as] = socket as LiveSocket))
      return null
    }
    stage.render(
      <>
        <LiveSocketProvider socket={one}>
          <Note as="outer" />
          <LiveSocketProvider socket={two}>
            <Note as="inner" />
          </LiveSocketProvider>
        </LiveSocketProvider>
        <LiveSocketProvider socket={two}>
          <Note as="beside" />
        </LiveSocketProvider>
      </>,
    )
    expect(seen).toEqual({ outer: one, inner: two, beside: two })
  })
})

describe('a hook without a provider', () => {
  it.each([
    ['a hook', <Status />, 'LiveSocketProvider'],
    // @ts-expect-error: a provider of nothing
    ['a provider of nothing', <LiveSocketProvider />, 'give it a socket or options'],
  ])('throws an error that says what is missing: %s', (_name, element, words) => {
    const quiet = vi.spyOn(console, 'error').mockImplementation(() => {})
    expect(() => createStage().render(element)).toThrow(words)
    quiet.mockRestore()
  })
})
