// @vitest-environment happy-dom
import { render } from '@testing-library/react'
import { createLiveSocket, type LiveSocket } from 'livesocket'
import {
  LiveSocketProvider,
  useLiveLog,
  useLiveMessages,
  useLiveReducer,
  useLiveStatus,
  useLiveValue,
  useSignal,
  useTopicStatus,
  type LogOptions,
  type ReducerOptions,
} from 'livesocket/react'
import { expect, it } from 'vitest'
import { createStage } from './stage.js'

it('hooks that share options ignore those for a log', async () => {
  const { options, simulation, advance, publish } = createStage()
  const socket = createLiveSocket(options)
  socket.connect()
  for (const data of [1, 2, 3]) simulation.publish('room', data)
  const told: unknown[] = []
  const Room = (shared: LogOptions<Record<string, unknown>>) => {
    useLiveMessages('room', (data) => void told.push(data), shared)
    const log = useLiveLog('room', shared).map(({ data }) => data)
    const sum = useLiveReducer('room', (text, data) => `${text}${String(data)}`, '', shared)
    return <output>{[log.join(), sum, useLiveValue('room', shared)].join(' ')}</output>
  }
  const { container, unmount } = render(<Room socket={socket} last={2} />)
  await advance(1_000)
  expect(container.textContent).toBe('2,3  3')
  await publish('room', 4)
  expect(container.textContent).toBe('2,3,4 4 4')
  expect(told).toEqual([4])
  unmount()
  const other = render(<Room socket={socket} {...({ last: undefined } as object)} />)
  await advance(1_000)
  expect(other.container.textContent).toBe('  4')
  socket.close()
})

it('hooks that share options ignore the `load` of a reducer', async () => {
  const { options, simulation, advance, publish } = createStage()
  const socket = createLiveSocket(options)
  socket.connect()
  const { epoch, offset } = [1, 2].map((data) => simulation.publish('room', data)).at(-1)!
  let loads = 0
  const load = () => Promise.resolve({ state: `${String(++loads)} load:`, position: { epoch, offset } })
  const told: unknown[] = []
  const Room = (shared: ReducerOptions<Record<string, unknown>, string>) => {
    useLiveMessages('room', (data) => void told.push(data), shared)
    const log = useLiveLog('room', shared).map(({ data }) => data)
    const sum = useLiveReducer('room', (text, data) => `${text}${String(data)}`, '', shared)
    return <output>{[log.join(), sum, useLiveValue('room', shared)].join('|')}</output>
  }
  const { container } = render(<Room socket={socket} load={load} />)
  await advance(1_000)
  expect(container.textContent).toBe('|1 load:|2')
  await publish('room', 3)
  expect(container.textContent).toBe('3|1 load:3|3')
  expect(told).toEqual([3])
  expect(loads).toBe(1)
  socket.close()
})

it('a provider ignores the options of a shared socket, and connects', async () => {
  const { options, advance } = createStage()
  const Status = () => <output>{useLiveStatus()}</output>
  const { container } = render(
    <LiveSocketProvider options={{ ...options, ...{ enabled: false } }}>
      <Status />
    </LiveSocketProvider>,
  )
  await advance(1_000)
  expect(container.textContent).toBe('live')
})

it('a stand-in for a live socket in a test needs only the methods that its hook uses', () => {
  const sent: unknown[] = []
  const stand = {
    signal: (...args: unknown[]) => void sent.push(args),
    onSignal: () => () => {},
    topicStatus: () => ({ getState: () => 'live', getInitialState: () => 'pending', subscribe: () => () => {} }),
  }
  const socket = stand as unknown as LiveSocket
  let send = (_: unknown) => {}
  const Room = () => {
    send = useSignal('room', () => {}, { socket })
    return <output>{String(useTopicStatus('room', { socket }))}</output>
  }
  const { container } = render(<Room />)
  send('typing')
  expect(container.textContent).toBe('live')
  expect(sent).toEqual([['room', 'typing']])
})
