// @vitest-environment happy-dom
import { render, waitFor } from '@testing-library/react'
import { createLiveSocket, type Gap, type LiveSocketOptions } from 'livesocket'
import { LiveSocketProvider, useLiveLog, useLiveReducer, useLiveValue, type ReducerOptions } from 'livesocket/react'
import { StrictMode, useLayoutEffect, type ReactNode } from 'react'
import { describe, expect, it, vi } from 'vitest'
import { servedByHand } from './served-by-hand.js'
import { createStage } from './stage.js'

async function setUp(options?: Partial<LiveSocketOptions>) {
  const stage = createStage()
  const socket = createLiveSocket({ ...stage.options, ...options })
  socket.connect()
  await stage.advance(1_000)
  return {
    ...stage,
    socket,
    wrap: (children: ReactNode) => <LiveSocketProvider socket={socket}>{children}</LiveSocketProvider>,
  }
}

const append = (all: readonly unknown[], data: unknown) => [...all, data]
const nothing: readonly unknown[] = []

interface ListProps {
  topic?: string | null
  seen?: (readonly unknown[])[]
  options?: ReducerOptions<Record<string, unknown>, readonly unknown[]>
  reducer?: typeof append
}

function List({ topic = 'chat', seen = [], options, reducer = append }: ListProps) {
  const all = useLiveReducer(topic, reducer, nothing, options)
  useLayoutEffect(() => void seen.push(all))
  return <output>{all.join()}</output>
}

describe('useLiveReducer', () => {
  it('folds every message, and renders once for all messages of a frame', async () => {
    const { wrap, publish, advance } = await setUp()
    const seen: (readonly unknown[])[] = []
    render(wrap(<List seen={seen} />))
    await publish('chat', ...Array.from({ length: 1_000 }, (_, index) => index))
    await advance(100)
    expect(seen).toHaveLength(2)
    expect(seen[1]).toEqual(Array.from({ length: 1_000 }, (_, index) => index))
  })

  it('misses nothing and folds nothing twice in StrictMode, across a deploy and a crash', async () => {
    const { wrap, simulation, advance } = await setUp()
    const seen: (readonly unknown[])[] = []
    simulation.publishEvery(20, 'chat')
    render(<StrictMode>{wrap(<List seen={seen} />)}</StrictMode>)
    await advance(500)
    simulation.deploy()
    await advance(2_000)
    simulation.crash()
    simulation.restart()
    await advance(40_000)
    const all = seen.at(-1) as number[]
    expect(all.length).toBeGreaterThan(2_000)
    expect(all).toEqual(all.map((_, index) => all[0]! + index))
  })

  it('folds with the reducer of the last render', async () => {
    const { wrap, publish } = await setUp()
    const { container, rerender } = render(wrap(<List reducer={(all, data) => [...all, `a${data}`]} />))
    await publish('chat', 1)
    rerender(wrap(<List reducer={(all, data) => [...all, `b${data}`]} />))
    await publish('chat', 2)
    expect(container.textContent).toBe('a1,b2')
  })

  it('starts over for another topic, and shows `initial` without one', async () => {
    const { wrap, publish, sent } = await setUp()
    const { container, rerender } = render(wrap(<List topic="a" />))
    await publish('a', 1)
    rerender(wrap(<List topic="b" />))
    expect(container.textContent).toBe('')
    await publish('a', 2)
    await publish('b', 3)
    expect(container.textContent).toBe('3')
    rerender(wrap(<List topic={null} />))
    expect(container.textContent).toBe('')
    expect(sent('subscribe')).toHaveLength(2)
  })

  it('starts over for another socket', async () => {
    const [one, two] = [await setUp(), await setUp()]
    const App = ({ of }: { of: typeof one }) => <List options={{ socket: of.socket }} />
    const { container, rerender } = render(<App of={one} />)
    await one.publish('chat', 1)
    rerender(<App of={two} />)
    expect(container.textContent).toBe('')
    await one.publish('chat', 2)
    await two.publish('chat', 3)
    expect(container.textContent).toBe('3')
  })

  it('begins when it is enabled, not when it was first rendered', async () => {
    const { wrap, publish } = await setUp()
    const App = ({ enabled }: { enabled: boolean }) => wrap([<List key={1} />, <List key={2} options={{ enabled }} />])
    const { container, rerender } = render(<App enabled />)
    await publish('chat', 1)
    rerender(<App key="disabled" enabled={false} />)
    await publish('chat', 2)
    rerender(<App key="disabled" enabled />)
    await publish('chat', 3)
    expect([...container.querySelectorAll('output')].map((output) => output.textContent)).toEqual(['2,3', '3'])
  })

  it('keeps its state while it is disabled, and then resumes where it was', async () => {
    const { wrap, publish, advance } = await setUp()
    const { container, rerender } = render(wrap(<List options={{ enabled: false }} />))
    await publish('chat', 1)
    rerender(wrap(<List />))
    await publish('chat', 2)
    rerender(wrap(<List options={{ enabled: false }} />))
    await publish('chat', 3)
    await advance(5_000)
    expect(container.textContent).toBe('2')
    rerender(wrap(<List />))
    await publish('chat', 4)
    expect(container.textContent).toBe('2,3,4')
  })

  it('begins at the first render: messages that arrive before its effect runs are folded, once', async () => {
    const { socket, others, message, answer } = await servedByHand('chat')
    const Early = () => {
      const all = useLiveReducer('chat', append, nothing, { socket })
      useLayoutEffect(() => message(6, 'between'), [])
      return <output>{all.join()}</output>
    }
    const { container } = render(<Early />)
    expect(answer(6, 5)).toEqual({ epoch: 'e', offset: 5 })
    message(6, 'between')
    message(7, 'after')
    await waitFor(() => expect(container.textContent).toBe('between,after'))
    expect(others).toEqual(['between', 'after'])
    socket.close()
  })

  it('starts after `from`', async () => {
    const { wrap, renderStrictly, publish, simulation } = await setUp()
    const [first] = [1, 2, 3].map((data) => simulation.publish('chat', data))
    const { container } = renderStrictly(
      wrap(<List options={{ from: { epoch: first!.epoch, offset: first!.offset } }} />),
    )
    await publish('chat', 4)
    expect(container.textContent).toBe('2,3,4')
  })

  it('starts from the result of `load`, called once for two StrictMode mounts, and again after a gap, which is reported', async () => {
    const { wrap, renderStrictly, publish, simulation, advance } = await setUp()
    const gaps: Gap[] = []
    const history: unknown[] = []
    let last = simulation.publish('chat', 'old')
    history.push('old')
    const load = vi.fn(async () => {
      await new Promise<void>((resolve) => void simulation.clock.setTimeout(resolve, 30))
      return { state: [...history, 'loaded'], position: { epoch: last.epoch, offset: last.offset } }
    })
    const { container } = renderStrictly(wrap(<List options={{ load, onGap: (gap) => void gaps.push(gap) }} />))
    await publish('chat', 1)
    await advance(1_000)
    expect(container.textContent).toBe('old,loaded,1')
    expect(load).toHaveBeenCalledTimes(1)

    simulation.offline()
    await advance(60_000)
    for (const data of ['x', 'y', 'z']) {
      last = simulation.publish('chat', data)
      history.push(data)
    }
    simulation.log.trim('chat', 1)
    simulation.online()
    await advance(60_000)
    expect(gaps).toHaveLength(1)
    expect(container.textContent).toBe('old,x,y,z,loaded')
  })

  it('renders only components whose topics have messages', async () => {
    const { wrap, publish } = await setUp()
    const seen = Array.from({ length: 100 }, (): (readonly unknown[])[] => [])
    render(wrap(seen.map((one, index) => <List key={index} topic={`cell-${index}`} seen={one} />)))
    await publish('cell-42', 1, 2, 3)
    expect(seen.map((one) => one.length - 1)).toEqual(seen.map((_, index) => (index === 42 ? 1 : 0)))
  })

  it('unsubscribes after the last component is unmounted', async () => {
    const { wrap, sent, advance } = await setUp()
    const { rerender } = render(wrap([<List key={1} />, <List key={2} />]))
    await advance(100)
    rerender(wrap([<List key={2} />]))
    await advance(3_000)
    expect(sent('unsubscribe')).toEqual([])
    rerender(wrap(null))
    await advance(3_000)
    expect(sent('unsubscribe')).toMatchObject([{ topics: ['chat'] }])
  })
})

describe('useLiveValue', () => {
  it('is the data of the latest message, and undefined before the first', async () => {
    const { wrap, publish } = await setUp()
    const seen: unknown[] = []
    const Price = () => {
      seen.push(useLiveValue('price'))
      return null
    }
    render(wrap(<Price />))
    await publish('price', 1, 2, 3)
    await publish('price', null)
    expect(seen).toEqual([undefined, 3, null])
  })
})

describe('useLiveLog', () => {
  it('has the newest messages up to its limit, also when the limit changes', async () => {
    const { wrap, publish } = await setUp()
    const Log = ({ limit }: { limit?: number }) => (
      <output>
        {useLiveLog('chat', { limit })
          .map(({ data, topic, offset }) => `${topic}${offset}=${data}`)
          .join(' ')}
      </output>
    )
    const { container, rerender } = render(wrap(<Log limit={2} />))
    await publish('chat', 'a')
    await publish('chat', 'b', 'c')
    expect(container.textContent).toBe('chat2=b chat3=c')
    rerender(wrap(<Log limit={1} />))
    expect(container.textContent).toBe('chat3=c')
    rerender(wrap(<Log limit={4} />))
    await publish('chat', ...'defgh')
    expect(container.textContent).toBe('chat5=e chat6=f chat7=g chat8=h')
    rerender(wrap(<Log />))
    await publish('chat', ...Array.from({ length: 300 }, () => 'x'))
    expect(container.textContent!.split(' ')).toHaveLength(100)
  })

  it('never changes an array that it has returned', async () => {
    const { wrap, publish } = await setUp()
    const seen: (readonly { data: unknown }[])[] = []
    const Log = () => {
      seen.push(useLiveLog('chat', { limit: 3 }))
      return null
    }
    render(wrap(<Log />))
    for (let data = 1; data <= 9; data++) await publish('chat', data)
    expect(seen.map((log) => log.map(({ data }) => data))).toEqual(
      Array.from({ length: 10 }, (_, last) => [last - 2, last - 1, last].filter((data) => data > 0)),
    )
  })

  it('returns the same array while nothing arrives', async () => {
    const { wrap, publish } = await setUp()
    const seen = new Set<unknown>()
    const Log = ({ count: _count }: { count: number }) => {
      seen.add(useLiveLog('chat'))
      return null
    }
    const { rerender } = render(wrap(<Log count={1} />))
    await publish('chat', 'a')
    for (const count of [2, 3]) rerender(wrap(<Log count={count} />))
    expect([...seen]).toHaveLength(2)
  })

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY])('refuses a limit of %s', async (limit) => {
    const { wrap, render } = await setUp()
    const quiet = vi.spyOn(console, 'error').mockImplementation(() => {})
    const Log = () => String(useLiveLog('chat', { limit }))
    expect(() => render(wrap(<Log />))).toThrow('limit must be a whole number from 1')
    quiet.mockRestore()
  })
})
