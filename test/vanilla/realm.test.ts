import { inspect } from 'node:util'
import { afterEach, expect, it, vi } from 'vitest'
import { WebSocket } from 'ws'
import { LiveWebSocket } from '../../src/vanilla/live-web-socket.js'
import { liveWebSocket, serverSide } from './stage.js'

afterEach(() => {
  vi.unstubAllGlobals()
  vi.resetModules()
})

it('creates its events with the current global classes, such as those of a jsdom that was loaded after the import', async () => {
  class ForeignEvent {
    readonly defaultPrevented = false
    constructor(
      readonly type: string,
      init: object = {},
    ) {
      Object.assign(this, init)
    }
    get target() {
      return null
    }
  }
  const server = await serverSide()
  server.server.on('connection', (socket) => socket.send('hello'))
  for (const name of ['Event', 'MessageEvent', 'CloseEvent', 'EventTarget']) vi.stubGlobal(name, ForeignEvent)
  const socket = new LiveWebSocket(server.url, [], { WebSocket })
  const heard: unknown[] = []
  socket.onopen = (event) => heard.push(event.type, event instanceof ForeignEvent, event.target === socket)
  await new Promise<void>((resolve) => (socket.onmessage = ({ data }) => (heard.push(data), resolve())))
  expect(heard).toEqual(['open', true, true, 'hello'])
  socket.close()
})

it('loads and works without EventTarget, Event classes and DOMException, as in React Native', async () => {
  const server = await serverSide()
  server.server.on('connection', (socket) => socket.send('hello'))
  for (const name of ['EventTarget', 'Event', 'MessageEvent', 'CloseEvent', 'DOMException'])
    vi.stubGlobal(name, undefined)
  const { LiveWebSocket: Fresh } = await import('../../src/vanilla/live-web-socket.js')
  const socket = new Fresh(server.url, [], { WebSocket })
  const told = await new Promise((resolve) =>
    socket.addEventListener('message', ({ type, target, data }: Event & { data?: unknown }) =>
      resolve([type, target === socket, data]),
    ),
  )
  expect(told).toEqual(['message', true, 'hello'])
  expect(() => new Fresh('ftp://h/')).toThrow(expect.objectContaining({ name: 'SyntaxError' }) as Error)
  socket.close()
})

it('treats listeners as the DOM standard does', () => {
  const { socket } = liveWebSocket('ws://127.0.0.1:1/', [], { startClosed: true })
  const heard: string[] = []
  const first = () => heard.push('first')
  const controller = new AbortController()
  socket.addEventListener('x', first)
  socket.addEventListener('x', first)
  socket.addEventListener('x', { handleEvent: () => heard.push('object') }, { once: true })
  socket.addEventListener('x', () => heard.push('aborted'), { signal: controller.signal })
  socket.addEventListener('x', null)
  controller.abort()
  expect(socket.dispatchEvent(new Event('x'))).toBe(true)
  socket.addEventListener('x', (event) => event.stopImmediatePropagation())
  socket.addEventListener('x', () => heard.push('stopped'))
  socket.dispatchEvent(new Event('x'))
  socket.removeEventListener('x', first)
  socket.dispatchEvent(new Event('x', { cancelable: true }))
  expect(heard).toEqual(['first', 'object', 'first'])
  expect(() => socket.dispatchEvent({} as Event)).toThrow(TypeError)
})

it('calls the other listeners if one throws, and lets the platform report the error', async () => {
  const reported: unknown[] = []
  vi.stubGlobal('reportError', (thrown: unknown) => reported.push(thrown))
  const { socket } = liveWebSocket('ws://127.0.0.1:1/', [], { startClosed: true })
  const heard: string[] = []
  socket.addEventListener('x', () => {
    throw new Error('mine')
  })
  socket.addEventListener('x', () => heard.push('second'))
  socket.dispatchEvent(new Event('x'))
  expect([heard, reported]).toEqual([['second'], [new Error('mine')]])
})

it('creates message events that behave like native ones: by class name, delivered once, copied, printed', async () => {
  const server = await serverSide()
  server.server.on('connection', (socket) => socket.send('hello'))
  const socket = new LiveWebSocket(server.url, [], { WebSocket })
  const heard: unknown[] = []
  const event = await new Promise<MessageEvent>((resolve) => {
    socket.addEventListener('message', (told) => {
      heard.push(
        told.target === socket,
        told.currentTarget === socket,
        told.eventPhase,
        told.composedPath()[0] === socket,
      )
      told.preventDefault()
      told.stopPropagation()
      told.stopImmediatePropagation()
      resolve(told as MessageEvent)
    })
    socket.addEventListener('message', () => heard.push('stopped'))
  })
  expect(heard).toEqual([true, true, 2, true])
  expect([event.currentTarget, event.eventPhase, event.defaultPrevented]).toEqual([null, 0, false])
  expect([event instanceof MessageEvent, event instanceof Event, event.timeStamp > 0]).toEqual([true, true, true])
  expect(inspect(event)).toContain('hello')
  const { type, data, origin } = new MessageEvent(event.type, event as unknown as MessageEventInit)
  expect({ type, data, origin }).toEqual({ type: 'message', data: 'hello', origin: new URL(server.url).origin })
  socket.close()
})
