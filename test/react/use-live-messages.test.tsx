// @vitest-environment happy-dom
import { render } from '@testing-library/react'
import { createLiveSocket, type Gap } from 'livesocket'
import { LiveSocketProvider, useLiveMessages, type TopicOptions } from 'livesocket/react'
import { Activity, startTransition, StrictMode, Suspense, use, useEffect, useLayoutEffect, type ReactNode } from 'react'
import { describe, expect, it, vi } from 'vitest'
import { rawProtocol } from '../../src/foreign/raw.js'
import { fakeWebSockets } from '../kit/fake-socket.js'
import { act } from '../kit/react-act.js'
import { servedByHand } from './served-by-hand.js'
import { createStage } from './stage.js'

async function setUp() {
  const stage = createStage()
  const socket = createLiveSocket(stage.options)
  socket.connect()
  await stage.advance(1_000)
  const told: unknown[] = []
  return {
    ...stage,
    socket,
    told,
    wrap: (children: ReactNode) => <LiveSocketProvider socket={socket}>{children}</LiveSocketProvider>,
  }
}

interface ListenerProps {
  told: unknown[]
  topic?: string | null
  name?: string
  options?: TopicOptions<Record<string, unknown>>
}

function Listener({ told, topic = 'chat', name, options }: ListenerProps) {
  useLiveMessages(topic, (data) => told.push(name === undefined ? data : [name, data]), options)
  return null
}

describe('useLiveMessages', () => {
  it('calls the handler for every message, in order, across a deploy and a crash', async () => {
    const { wrap, told, simulation, advance } = await setUp()
    render(wrap(<Listener told={told} />))
    const stop = simulation.publishEvery(20, 'chat')
    await advance(500)
    simulation.deploy()
    await advance(2_000)
    simulation.crash()
    simulation.restart()
    await advance(40_000)
    stop()
    await advance(100)
    expect(told.length).toBeGreaterThan(2_000)
    expect(told).toEqual(told.map((_, index) => (told[0] as number) + index))
  })

  it('calls the handler of the last render, without subscribing again', async () => {
    const { wrap, told, publish, sent } = await setUp()
    const { rerender } = render(wrap(<Listener told={told} name="first" />))
    await publish('chat', 1)
    rerender(wrap(<Listener told={told} name="second" />))
    await publish('chat', 2)
    expect(told).toEqual([
      ['first', 1],
      ['second', 2],
    ])
    expect(sent('subscribe')).toHaveLength(1)
    expect(sent('unsubscribe')).toHaveLength(0)
  })

  it('has the latest handler before any effect of the same commit runs', async () => {
    const { wrap, told, socket, publish } = await setUp()
    const Both = ({ name }: { name: string }) => {
      useLiveMessages('chat', (data) => void told.push([name, data]))
      // What an effect triggers is passed to the handler of this render.
      useLayoutEffect(() => void told.push(`committed ${name}`))
      return null
    }
    const { rerender } = render(wrap(<Both name="a" />))
    await publish('chat', 1)
    rerender(wrap(<Both name="b" />))
    await publish('chat', 2)
    expect(told).toEqual(['committed a', ['a', 1], 'committed b', ['b', 2]])
    socket.close()
  })

  it('keeps calling the handler that is on screen while a render with another one waits, which may never be shown', async () => {
    const { wrap, told, publish } = await setUp()
    const never = new Promise<void>(() => {})
    let rendered = 0
    const Waiting = ({ name }: { name: string }) => {
      useLiveMessages('chat', (data) => void told.push([name, data]))
      rendered++
      if (name === 'unseen') use(never)
      return null
    }
    const page = (name: string) => wrap(<Suspense>{<Waiting name={name} />}</Suspense>)
    const { rerender } = render(page('shown'))
    const before = rendered
    await act(async () => startTransition(() => rerender(page('unseen'))))
    expect(rendered).toBeGreaterThan(before)
    await publish('chat', 1)
    expect(told).toEqual([['shown', 1]])
  })

  it('misses nothing and repeats nothing in StrictMode, and asks the server once', async () => {
    const { wrap, told, publish, simulation, sent, advance } = await setUp()
    simulation.publishEvery(1, 'chat')
    render(<StrictMode>{wrap(<Listener told={told} />)}</StrictMode>)
    await advance(100)
    await publish('chat', -1)
    const at = told.indexOf(-1)
    const numbers = told.filter((one) => one !== -1) as number[]
    expect(at).toBeGreaterThan(50)
    expect(numbers).toEqual(numbers.map((_, index) => numbers[0]! + index))
    expect(sent('subscribe')).toHaveLength(1)
    expect(sent('unsubscribe')).toHaveLength(0)
  })

  it('passes a topic from one component to the next without a missing message', async () => {
    const { wrap, told, simulation, sent, advance } = await setUp()
    simulation.publishEvery(1, 'chat')
    const { rerender } = render(wrap(<Listener key="a" told={told} />))
    await advance(200)
    for (const key of ['b', 'c', 'd']) {
      rerender(wrap(<Listener key={key} told={told} />))
      await advance(50)
    }
    expect(told).toEqual(told.map((_, index) => (told[0] as number) + index))
    expect(sent('subscribe')).toHaveLength(1)
  })

  it('begins at the first render: messages that arrive before its effect runs are delivered, and only once', async () => {
    const { socket, others, message, answer } = await servedByHand('chat')
    const told: unknown[] = []
    const Early = () => {
      useLiveMessages('chat', (data) => void told.push(data), { socket })
      useLayoutEffect(() => message(6, 'between'), [])
      return null
    }
    render(<Early />)
    expect(answer(6, 5)).toEqual({ epoch: 'e', offset: 5 })
    message(6, 'between')
    message(7, 'after')
    expect(told).toEqual(['between', 'after'])
    expect(others).toEqual(['between', 'after'])
    socket.close()
  })

  it('resumes where it stopped when React hides its component and shows it again', async () => {
    const { render, wrap, told, simulation, advance } = await setUp()
    const App = ({ mode }: { mode: 'visible' | 'hidden' }) =>
      wrap(
        <Activity mode={mode}>
          <Listener told={told} />
        </Activity>,
      )
    const { rerender } = render(<App mode="visible" />)
    await advance(50)
    simulation.publishEvery(20, 'chat')
    await advance(1_000)
    const before = told.length
    rerender(<App mode="hidden" />)
    await advance(1_000)
    expect(told).toHaveLength(before)
    for (const mode of ['visible', 'hidden', 'visible'] as const) rerender(<App mode={mode} />)
    await advance(1_000)
    expect(told.length).toBeGreaterThan(145)
    expect(told).toEqual(told.map((_, index) => index + 1))
  })

  it('continues in the same way with a server that numbers nothing, although other subscribers have come and gone meanwhile', async () => {
    const { WebSocket, sockets } = fakeWebSockets()
    const protocol = rawProtocol({ message: (data) => ({ topic: 'chat', data }) })
    const socket = createLiveSocket<any>({ url: 'wss://live.test', environment: { WebSocket }, protocol })
    socket.connect()
    await vi.waitUntil(() => sockets.length > 0)
    sockets[0]!.open()
    const told: unknown[] = []
    const App = ({ mode }: { mode: 'visible' | 'hidden' }) => (
      <LiveSocketProvider socket={socket}>
        <Activity mode={mode}>
          <Listener told={told} />
        </Activity>
      </LiveSocketProvider>
    )
    const { rerender, unmount } = render(<App mode="visible" />)
    for (const data of ['a', 'b', 'c']) sockets[0]!.message(data)
    rerender(<App mode="hidden" />)
    await act(async () => {})
    sockets[0]!.message('missed')
    const others: unknown[] = []
    const leave = socket.subscribe('chat', (data) => others.push(data))
    sockets[0]!.message('d')
    rerender(<App mode="visible" />)
    await act(async () => {})
    for (const data of ['e', 'f']) sockets[0]!.message(data)
    expect(others).toEqual(['d', 'e', 'f'])
    expect(told).toEqual(['a', 'b', 'c', 'e', 'f'])
    leave()
    unmount()
    socket.close()
  })

  it('leaves nothing subscribed on such a server', async () => {
    const { WebSocket, sockets } = fakeWebSockets()
    const protocol = rawProtocol({
      message: (data) => ({ topic: 'chat', data }),
      subscribe: (topics) => [`+${[...topics.keys()].join()}`],
      unsubscribe: (topics) => [`-${topics.join()}`],
    })
    const socket = createLiveSocket<any>({ url: 'wss://live.test', environment: { WebSocket }, protocol })
    socket.connect()
    await vi.waitUntil(() => sockets.length > 0)
    sockets[0]!.open()
    const { unmount } = render(<LiveSocketProvider socket={socket}>{<Listener told={[]} />}</LiveSocketProvider>)
    await act(async () => {})
    unmount()
    await act(async () => {})
    expect(sockets[0]!.sent).toEqual(['+chat', '-chat'])
    socket.close()
  })

  it('gets nothing from its unmount on, not even messages caused by effects of other components', async () => {
    const { socket, message, others } = await servedByHand('chat')
    const told: unknown[] = []
    const Late = () => {
      useEffect(() => () => message(6, 'after'), [])
      return null
    }
    const App = () => (
      <LiveSocketProvider socket={socket}>
        <Listener told={told} />
        <Late />
      </LiveSocketProvider>
    )
    render(<App />).unmount()
    expect(others).toEqual(['after'])
    expect(told).toEqual([])
    socket.close()
  })

  it('gets nothing after it is unmounted, and the server is unsubscribed', async () => {
    const { wrap, told, publish, sent } = await setUp()
    const { rerender } = render(wrap(<Listener told={told} />))
    await publish('chat', 1)
    rerender(wrap(null))
    await publish('chat', 2)
    expect(told).toEqual([1])
    expect(sent('unsubscribe')).toHaveLength(1)
  })

  it('subscribes to nothing with a topic of null or while disabled, and starts again when enabled', async () => {
    const { wrap, told, publish, sent } = await setUp()
    const { rerender } = render(wrap(<Listener told={told} topic={null} />))
    await publish('chat', 1)
    rerender(wrap(<Listener told={told} options={{ enabled: false }} />))
    await publish('chat', 2)
    // A name that is no topic name is not looked at either.
    rerender(wrap(<Listener told={told} topic="" options={{ enabled: false }} />))
    expect(sent('subscribe')).toHaveLength(0)
    rerender(wrap(<Listener told={told} />))
    await publish('chat', 3)
    await publish('chat', 4)
    rerender(wrap(<Listener told={told} options={{ enabled: false }} />))
    await publish('chat', 5)
    rerender(wrap(<Listener told={told} />))
    await publish('chat', 6)
    await publish('chat', 7)
    expect(told).toEqual([3, 4, 6, 7])
  })

  it('switches when its topic changes', async () => {
    const { wrap, told, publish } = await setUp()
    const { rerender } = render(wrap(<Listener told={told} topic="a" />))
    await publish('a', 1)
    rerender(wrap(<Listener told={told} topic="b" />))
    await publish('b', 2)
    await publish('a', 3)
    expect(told).toEqual([1, 2])
  })

  it('starts after `from`, and only a different position starts it again', async () => {
    const { renderStrictly, wrap, told, publish, simulation, sent } = await setUp()
    const [first] = [1, 2, 3].map((data) => simulation.publish('chat', data))
    const from = () => ({ epoch: first!.epoch, offset: first!.offset })
    const { rerender } = renderStrictly(wrap(<Listener told={told} options={{ from: from() }} />))
    await publish('chat', 4)
    rerender(wrap(<Listener told={told} options={{ from: from() }} />))
    await publish('chat', 5)
    expect(told).toEqual([2, 3, 4, 5])
    expect(sent('subscribe')).toHaveLength(1)
  })

  it('reports gaps of its own topic, before the message after the gap', async () => {
    const { wrap, told, publish, simulation, advance } = await setUp()
    const onGap = ({ topic, from, to }: Gap) => told.push({ topic, from, to })
    render(wrap([<Listener key={1} told={told} options={{ onGap }} />, <Listener key={2} topic="other" told={[]} />]))
    await publish('chat', 1)
    await publish('other', 1)
    simulation.offline()
    await advance(60_000)
    for (let data = 2; data < 6; data++) for (const topic of ['chat', 'other']) simulation.publish(topic, data)
    for (const topic of ['chat', 'other']) simulation.log.trim(topic, 1)
    simulation.online()
    await advance(60_000)
    expect(told.slice(-2)).toEqual([{ topic: 'chat', from: expect.any(Number), to: expect.any(Number) }, 5])
    expect(told.filter((one) => typeof one === 'object')).toHaveLength(1)
  })
})
