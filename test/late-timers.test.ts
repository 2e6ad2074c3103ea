import { Worker } from 'node:worker_threads'
import { createConnection } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { systemClock } from '../src/base/clock.js'
import { createLiveSocket } from '../src/index.js'

/** Servers run in threads of their own: this one stands still while they answer. */
const workers: Worker[] = []
afterEach(async () => {
  await Promise.all(workers.splice(0).map((worker) => worker.terminate()))
})

function serve(code: string): Promise<number> {
  const worker = new Worker(code, { eval: true })
  workers.push(worker)
  return new Promise((resolve) => worker.once('message', resolve))
}

/** Welcomes after `welcome` ms and answers a publish after 100. */
const liveServer = (welcome: number) =>
  serve(`
    const { WebSocketServer } = require('ws')
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'livesocket.v1' })
    server.on('listening', () => require('node:worker_threads').parentPort.postMessage(server.address().port))
    server.on('connection', (socket) => socket.on('message', (data) => {
      const { type, id } = JSON.parse(data)
      const say = (frame, after) => setTimeout(() => socket.send(JSON.stringify(frame)), after)
      if (type === 'hello') say({ type: 'welcome', server: 'a', topics: {} }, ${welcome})
      if (type === 'publish') say({ type: 'ack', id, offset: 1, epoch: 'e' }, 100)
    }))
  `)

/** In the part of the event loop after which timers come first, and reading sockets later. */
const standStill = (ms: number) =>
  new Promise<void>((resolve) =>
    setImmediate(() => {
      const end = performance.now() + ms
      while (performance.now() < end);
      resolve()
    }),
  )

const status = (socket: ReturnType<typeof createLiveSocket>, wanted: string) =>
  new Promise<void>((resolve) => {
    const look = () => socket.store.getState().status === wanted && resolve()
    socket.store.subscribe(look)
    look()
  })

it('a timer delayed by a busy program runs after the data that arrived meanwhile is read', async () => {
  const port = await serve(`
    const server = require('node:net').createServer((socket) => socket.on('data', () => setTimeout(() => socket.write('x'.repeat(200_000)), 50)))
    server.listen(0, '127.0.0.1', () => require('node:worker_threads').parentPort.postMessage(server.address().port))
  `)
  const told: string[] = []
  await new Promise<void>((resolve) => {
    const socket = createConnection(port, '127.0.0.1', () => {
      socket.write('go')
      systemClock.setTimeout(() => {
        told.push('timer')
        socket.destroy()
        resolve()
      }, 150)
      setTimeout(() => void standStill(500), 1)
    })
    socket.on('data', () => told.push('data'))
  })
  expect(told[0]).toBe('data')
  expect(told.at(-1)).toBe('timer')
})

it('a publish whose answer is unread when its ttl passes resolves as applied, not as outcome-unknown', async () => {
  const socket = createLiveSocket({ url: `ws://127.0.0.1:${await liveServer(0)}`, environment: { WebSocket } })
  socket.connect()
  await status(socket, 'live')
  const published = socket.publish('room', 'hi', { ttl: 300 })
  await new Promise((resolve) => setTimeout(resolve, 20))
  await standStill(800)
  await expect(published).resolves.toMatchObject({ offset: 1 })
  socket.close()
})

it('a leg whose welcome is unread when its time limit passes becomes active, and is not closed', async () => {
  const socket = createLiveSocket({
    url: `ws://127.0.0.1:${await liveServer(200)}`,
    connectTimeout: 1_000,
    environment: { WebSocket },
  })
  const legs: number[] = []
  socket.on('leg-dialling', ({ leg }) => legs.push(leg))
  const opened = new Promise((resolve) => socket.on('leg-open', resolve))
  socket.connect()
  await opened
  await new Promise((resolve) => setTimeout(resolve, 20))
  await standStill(1_500)
  await status(socket, 'live')
  expect(legs).toEqual([1])
  socket.close()
})
