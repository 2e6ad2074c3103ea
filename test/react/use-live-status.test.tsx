// @vitest-environment happy-dom
import { createLiveSocket, type LiveSocketState } from 'livesocket'
import { LiveSocketProvider, useLiveSocket, useLiveStatus } from 'livesocket/react'
import { useEffect } from 'react'
import { describe, expect, it } from 'vitest'
import { act } from '../kit/react-act.js'
import { createStage } from './stage.js'

function setUp<Part>(selector?: (state: LiveSocketState) => Part, equal?: (a: Part, b: Part) => boolean) {
  const stage = createStage()
  const socket = createLiveSocket({ ...stage.options, getToken: stage.simulation.getToken })
  const seen: unknown[] = []
  const Shown = () => {
    seen.push(selector ? useLiveStatus(selector, equal) : useLiveStatus())
    return null
  }
  stage.render(
    <LiveSocketProvider socket={socket}>
      <Shown />
    </LiveSocketProvider>,
  )
  act(() => socket.connect())
  return { ...stage, socket, seen }
}

describe('useLiveStatus', () => {
  it('returns the status as a word, and renders only when the word changes', async () => {
    const { advance, simulation, socket, seen } = setUp()
    await advance(1_000)
    simulation.deploy()
    await advance(30_000)
    expect(socket.stats().handovers).toBe(1)
    expect(seen).toEqual(['idle', 'connecting', 'live'])
  })

  it('renders only when the selected part changes', async () => {
    const { advance, simulation, seen } = setUp((state) => state.leg?.number)
    await advance(1_000)
    simulation.deploy()
    await advance(600_000)
    expect(seen).toEqual([undefined, 1, 2])
  })

  it('accepts a selector that makes a new object each time, with an equality that compares its content', async () => {
    const { advance, simulation, seen } = setUp(
      ({ status, everLive }) => ({ status, everLive }),
      (a, b) => a.status === b.status && a.everLive === b.everLive,
    )
    await advance(1_000)
    simulation.deploy()
    await advance(30_000)
    expect(seen).toEqual([
      { status: 'idle', everLive: false },
      { status: 'connecting', everLive: false },
      { status: 'live', everLive: true },
    ])
  })

  it('returns the same object while its content is the same, even with a new selector and equality in every render', async () => {
    const stage = createStage()
    const socket = createLiveSocket(stage.options)
    const seen = new Set<unknown>()
    const Shown = ({ count: _count }: { count: number }) => {
      const part = useLiveStatus(
        ({ status }) => ({ status }),
        (a, b) => a.status === b.status,
        socket,
      )
      useEffect(() => void seen.add(part), [part])
      return null
    }
    const { rerender } = stage.renderStrictly(<Shown count={0} />)
    for (const count of [1, 2, 3]) rerender(<Shown count={count} />)
    expect([...seen]).toEqual([{ status: 'idle' }])
    act(() => socket.connect())
    await stage.advance(1_000)
    for (const count of [4, 5]) rerender(<Shown count={count} />)
    expect([...seen]).toEqual([{ status: 'idle' }, { status: 'connecting' }, { status: 'live' }])
  })

  it('does not render endlessly with a selector that makes a new object each time and no equality', async () => {
    const { advance, socket, seen } = setUp((state) => ({ ...state }))
    await advance(1_000)
    expect(seen.at(-1)).toEqual(socket.store.getState())
    expect(seen.length).toBeLessThan(10)
  })

  it('shows what the latest selector selects', async () => {
    const stage = createStage()
    const socket = createLiveSocket(stage.options)
    const Shown = ({ of }: { of: 'status' | 'everLive' }) => (
      <output>{String(useLiveStatus((state) => state[of], Object.is, socket))}</output>
    )
    const { container, rerender } = stage.render(<Shown of="status" />)
    rerender(<Shown of="everLive" />)
    expect(container.textContent).toBe('false')
    act(() => socket.connect())
    await stage.advance(1_000)
    expect(container.textContent).toBe('true')
  })

  it('never calls the selector of a child that its parent is about to remove', async () => {
    const stage = createStage()
    const socket = createLiveSocket({ ...stage.options, getToken: stage.simulation.getToken })
    // The child's selector works only while there is a leg; the parent renders the child only then.
    const Child = () => <output>{useLiveStatus((state) => state.leg!.number)}</output>
    const Parent = () => (useLiveStatus((state) => state.leg !== null) ? <Child /> : <output>none</output>)
    const { container } = stage.render(
      <LiveSocketProvider socket={socket}>
        <Parent />
      </LiveSocketProvider>,
    )
    act(() => socket.connect())
    await stage.advance(1_000)
    expect(container.textContent).toBe('1')
    act(() => socket.close())
    expect(container.textContent).toBe('none')
  })

  it('does not render a component that only calls useLiveSocket(), whatever happens to the socket', async () => {
    const stage = createStage()
    let renders = 0
    const Quiet = () => {
      useLiveSocket()
      renders++
      return null
    }
    stage.render(
      <LiveSocketProvider options={stage.options}>
        <Quiet />
      </LiveSocketProvider>,
    )
    await stage.advance(1_000)
    stage.simulation.crash()
    stage.simulation.restart()
    await stage.advance(60_000)
    expect(renders).toBe(1)
  })
})
