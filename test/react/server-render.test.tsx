import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { createLiveSocket, type LiveSocketOptions } from 'livesocket'
import {
  LiveSocketProvider,
  useLiveLog,
  useLiveMessages,
  useLiveReducer,
  useLiveSocket,
  useLiveStatus,
  useLiveValue,
  usePublish,
} from 'livesocket/react'
import type { ReactNode } from 'react'
import { renderToPipeableStream, renderToString } from 'react-dom/server'
import { describe, expect, it, vi } from 'vitest'

const options: LiveSocketOptions = {
  url: 'wss://example.com/live',
  getToken: () => Promise.reject(new Error('nobody asks on a server')),
}

function Everything() {
  useLiveMessages('chat', () => {})
  const { pending, error } = usePublish('chat')
  const sum = useLiveReducer('chat', (before: number) => before + 1, 3, {
    load: () => Promise.reject(new Error('nobody loads on a server')),
  })
  return (
    <p>
      {[
        useLiveSocket() && 'socket',
        useLiveStatus(),
        useLiveStatus((state) => state.everLive),
        String(useLiveValue('chat')),
        useLiveLog('chat').length,
        sum,
        pending,
        error,
      ].join(' ')}
    </p>
  )
}

function Shared() {
  const socket = useLiveSocket(options)
  return <p>{useLiveStatus((state) => state.status, Object.is, socket)}</p>
}

/** Globals that a render on a server must not even look at: on a server they differ, or are missing. */
const FOREIGN = [
  'window',
  'document',
  'location',
  'navigator',
  'WebSocket',
  'BroadcastChannel',
  'localStorage',
  'addEventListener',
  'requestAnimationFrame',
  'setTimeout',
  'setInterval',
]

function withoutGlobals<Result>(task: () => Result): Result {
  const before = FOREIGN.map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  const touched: string[] = []
  for (const [name] of before)
    Object.defineProperty(globalThis, name, { configurable: true, get: () => void touched.push(name) })
  try {
    const result = task()
    expect(touched).toEqual([])
    return result
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      else delete (globalThis as Record<string, unknown>)[name]
    }
  }
}

describe('a render on a server', () => {
  it('accepts a relative URL, although there is no page to resolve it against', () => {
    expect(
      renderToString(
        <LiveSocketProvider options={{ ...options, url: '/live' }}>
          <Everything />
        </LiveSocketProvider>,
      ),
    ).toContain('idle')
  })

  it.each<[string, () => ReactNode]>([
    [
      'a provider of options',
      () => (
        <LiveSocketProvider options={options}>
          <Everything />
        </LiveSocketProvider>
      ),
    ],
    [
      'a provider of a socket',
      () => (
        <LiveSocketProvider socket={createLiveSocket(options)}>
          <Everything />
        </LiveSocketProvider>
      ),
    ],
  ])('shows the initial state below %s, and touches no global', (_name, element) => {
    expect(withoutGlobals(() => renderToString(element()))).toBe('<p>socket idle false undefined 0 3 0 </p>')
  })

  it('shows the initial state of a shared socket', () => {
    expect(withoutGlobals(() => renderToString(<Shared />))).toBe('<p>idle</p>')
  })

  it('streams the same HTML', async () => {
    const { pipe } = renderToPipeableStream(
      <LiveSocketProvider options={options}>
        <Everything />
      </LiveSocketProvider>,
    )
    expect(await text(pipe(new PassThrough()))).toContain('socket idle false undefined 0 3 0')
  })

  it('shows the same to every user, even with a socket that is live', () => {
    const socket = createLiveSocket({ url: 'wss://live.test', environment: { WebSocket: vi.fn() } })
    socket.connect()
    expect(socket.store.getState().status).toBe('connecting')
    expect(
      renderToString(
        <LiveSocketProvider socket={socket}>
          <Everything />
        </LiveSocketProvider>,
      ),
    ).toBe('<p>socket idle false undefined 0 3 0 </p>')
    socket.close()
  })

  it('keeps nothing after the render: a thousand rooms leave no sockets behind', async () => {
    const collected = vi.fn()
    const registry = new FinalizationRegistry(collected)
    const Room = ({ room }: { room: number }) => {
      registry.register(useLiveSocket({ ...options, key: `room ${room}` }), room)
      return null
    }
    for (let room = 0; room < 1_000; room++) renderToString(<Room room={room} />)
    // A WeakRef keeps its target alive within the task that created it.
    await new Promise(setImmediate)
    setFlagsFromString('--expose-gc')
    ;(runInNewContext('gc') as () => void)()
    await vi.waitUntil(() => collected.mock.calls.length > 900)
  })
})
