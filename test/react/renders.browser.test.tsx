import { createLiveSocket } from 'livesocket'
import {
  LiveSocketProvider,
  useLiveLog,
  useLiveMessages,
  useLiveReducer,
  useLiveSocket,
  useLiveValue,
} from 'livesocket/react'
import { Profiler, StrictMode, useEffect, useLayoutEffect, type ReactNode } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, describe, expect, inject, it, vi } from 'vitest'

const url = inject('liveUrl')
const undo: (() => void)[] = []
afterEach(() => undo.splice(0).forEach((task) => task()))

/** Renders below a provider of a live socket, and counts the frames that the browser paints. */
async function show(children: ReactNode) {
  const socket = createLiveSocket({ url })
  const root = createRoot(document.body.appendChild(document.createElement('div')))
  root.render(<LiveSocketProvider socket={socket}>{children}</LiveSocketProvider>)
  socket.connect()
  let frames = 0
  let painting = requestAnimationFrame(function painted() {
    frames++
    painting = requestAnimationFrame(painted)
  })
  undo.push(() => {
    cancelAnimationFrame(painting)
    root.unmount()
    socket.close()
  })
  await vi.waitUntil(() => socket.store.getState().status === 'live')
  return {
    socket,
    frames: () => frames,
    /**
     * Makes the server publish that many messages to the topic, each in its own WebSocket message and so its own task.
     */
    order: (topic: string, messages: number, perSecond: number) =>
      socket.publish('orders', { topic, messages, perSecond }),
  }
}

/** Topics of this test alone, because all tests share the server. */
let count = 0
const freshTopic = () => `topic-${Date.now()}-${++count}`
const numbers = (length: number) => Array.from({ length }, (_, index) => index + 1)

function counter() {
  const renders = { count: 0 }
  const seen: unknown[] = []
  const Counted = ({ topic }: { topic: string }) => {
    renders.count++
    const last = useLiveReducer(topic, (_before: unknown, data) => (seen.push(data), data), undefined)
    return <output>{String(last)}</output>
  }
  return { renders, seen, Counted }
}

describe('a component in a real browser', () => {
  it.each([
    { messages: 1_000, perSecond: 1_000_000 },
    { messages: 3_000, perSecond: 3_000 },
  ])(
    'acts on all of $messages messages at $perSecond/s, and renders at most once a frame',
    async ({ messages, perSecond }) => {
      const { renders, seen, Counted } = counter()
      const topic = freshTopic()
      const { order, frames } = await show(<Counted topic={topic} />)
      const before = frames()
      const first = renders.count
      await order(topic, messages, perSecond)
      await vi.waitUntil(() => document.querySelector('output')?.textContent === String(messages), { timeout: 10_000 })
      expect(seen).toEqual(numbers(messages))
      expect(renders.count - first).toBeGreaterThan(0)
      expect(renders.count - first).toBeLessThanOrEqual(frames() - before + 1)
    },
  )

  it('renders at most once a frame with nine others beside it, each of which gets everything', async () => {
    const all = numbers(10).map(() => counter())
    const topic = freshTopic()
    const { order, frames } = await show(all.map(({ Counted }, index) => <Counted key={index} topic={topic} />))
    const before = frames()
    await order(topic, 2_000, 2_000)
    await vi.waitUntil(() => all.every(({ seen }) => seen.length === 2_000), { timeout: 10_000 })
    for (const { renders, seen } of all) {
      expect(seen).toEqual(numbers(2_000))
      expect(renders.count).toBeLessThanOrEqual(frames() - before + 3)
    }
  })

  it('is rendered together with all others that changed in that frame', async () => {
    const topic = freshTopic()
    let commits = 0
    const { Counted, seen } = counter()
    const { order, frames } = await show(
      <Profiler id="all" onRender={() => void commits++}>
        {numbers(100).map((cell) => (
          <Counted key={cell} topic={topic} />
        ))}
      </Profiler>,
    )
    await vi.waitUntil(() => commits > 0)
    const before = { commits, frames: frames() }
    await order(topic, 500, 1_000)
    await vi.waitUntil(() => [...document.querySelectorAll('output')].every((cell) => cell.textContent === '500'), {
      timeout: 10_000,
    })
    expect(seen).toHaveLength(50_000)
    expect(commits - before.commits).toBeLessThanOrEqual(frames() - before.frames + 1)
  })

  it('shows every message by the frame after the one in which it arrived', async () => {
    const topic = freshTopic()
    let frame = () => 0
    let arrived: number[] = []
    const lags: number[] = []
    const Lagging = () => {
      const last = useLiveReducer(topic, (_before: unknown, data) => (arrived.push(frame()), data), undefined)
      useLayoutEffect(() => {
        for (const at of arrived) lags.push(frame() - at)
        arrived = []
      }, [last])
      return null
    }
    const { order, frames } = await show(<Lagging />)
    frame = frames
    await order(topic, 2_000, 2_000)
    await vi.waitUntil(() => lags.length === 2_000, { timeout: 10_000 })
    expect(Math.max(...lags)).toBeLessThanOrEqual(1)
  })

  it('is the only one of a hundred on one socket to render if only its topic has messages', async () => {
    const prefix = freshTopic()
    const renders = numbers(100).map(() => 0)
    const Cell = ({ index }: { index: number }) => {
      renders[index]!++
      return <output>{String(useLiveValue(`${prefix}-${index}`))}</output>
    }
    const { order } = await show(renders.map((_, index) => <Cell key={index} index={index} />))
    await vi.waitUntil(() => document.querySelectorAll('output').length === 100)
    const before = [...renders]
    await order(`${prefix}-42`, 200, 2_000)
    await vi.waitUntil(() => document.querySelectorAll('output')[42]!.textContent === '200', { timeout: 10_000 })
    expect(renders.flatMap((now, index) => (now === before[index] ? [] : [index]))).toEqual([42])
  })

  it('keeps a log of 200 rows that grows by 5,000 a second', async () => {
    const topic = freshTopic()
    let renders = 0
    const Log = () => {
      renders++
      return (
        <ol>
          {useLiveLog(topic, { limit: 200 }).map(({ offset, data }) => (
            <li key={offset}>{String(data)}</li>
          ))}
        </ol>
      )
    }
    const { order, frames } = await show(<Log />)
    const before = frames()
    await order(topic, 5_000, 5_000)
    await vi.waitUntil(() => document.querySelector('li:last-child')?.textContent === '5000', { timeout: 20_000 })
    expect([...document.querySelectorAll('li')].map((row) => Number(row.textContent))).toEqual(
      numbers(5_000).slice(-200),
    )
    expect(renders).toBeLessThanOrEqual(frames() - before + 3)
  })
})

it('opens one socket for three components in StrictMode, and leaves none open after they are unmounted', async () => {
  const opened: WebSocket[] = []
  class Counted extends WebSocket {
    constructor(...given: ConstructorParameters<typeof WebSocket>) {
      super(...given)
      opened.push(this)
    }
  }
  const topic = freshTopic()
  const told: unknown[] = []
  let publish!: () => Promise<unknown>
  const Part = () => {
    const socket = useLiveSocket({ url, environment: { WebSocket: Counted } })
    useLiveMessages(topic, (data) => void told.push(data), { socket })
    useEffect(() => void (publish = () => socket.publish('orders', { topic, messages: 5, perSecond: 1_000 })))
    return null
  }
  const root = createRoot(document.body.appendChild(document.createElement('div')))
  root.render(
    <StrictMode>
      {[1, 2, 3].map((part) => (
        <Part key={part} />
      ))}
    </StrictMode>,
  )
  await vi.waitUntil(() => opened[0]?.readyState === WebSocket.OPEN)
  await publish()
  await vi.waitUntil(() => told.length >= 15)
  root.unmount()
  await vi.waitUntil(() => opened[0]!.readyState === WebSocket.CLOSED, { timeout: 5_000 })
  expect(opened).toHaveLength(1)
  expect(told).toEqual([1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5])
})
