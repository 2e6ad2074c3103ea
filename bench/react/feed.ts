import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { createLiveServer } from '../../src/server/index.js'

/** An order from the parent process to send messages. */
export interface FeedOrder {
  /** The receivers: raw clients get the message itself, live clients get a frame of their protocol. */
  readonly to: 'raw' | 'live'
  readonly topic: string
  readonly messages: number
  readonly perSecond: number
}

/** About 120 bytes. `at` is the time of sending, on the clock that the browser on this machine shares. */
export interface Tick {
  readonly n: number
  readonly at: number
  readonly topic: string
  readonly symbol: string
  readonly price: number
  readonly note: string
}

/** The number of WebSockets since the start, and of those that are open. */
export interface Sockets {
  readonly opened: number
  readonly open: number
}

/** How often messages are sent, ms: a browser gets only a few of them at once. */
const TICK = 2

const http = createServer()
const live = createLiveServer({
  server: http,
  path: '/live',
  authenticate: () => ({ subject: 'page' }),
  authorize: () => true,
  allowedOrigins: '*',
})
const raw = new WebSocketServer({ noServer: true })
const sockets: { -readonly [Key in keyof Sockets]: number } = { opened: 0, open: 0 }
// Each WebSocket has a TCP connection of its own, and the pages make no other requests here.
http.on('connection', (socket) => {
  sockets.opened++
  sockets.open++
  socket.on('close', () => void sockets.open--)
})
http.on('upgrade', (request, socket, head) => {
  if (request.url === '/raw') raw.handleUpgrade(request, socket, head, () => {})
})
http.listen(0, '127.0.0.1', () => process.send!({ port: (http.address() as AddressInfo).port }))

process.on('message', (order: FeedOrder | 'sockets') =>
  order === 'sockets' ? process.send!({ sockets }) : void send(order),
)
process.on('disconnect', () => process.exit())

async function send({ to, topic, messages, perSecond }: FeedOrder) {
  const start = performance.now()
  let sent = 0
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const due = Math.min(messages, Math.floor(((performance.now() - start) * perSecond) / 1_000))
      while (sent < due) {
        const tick: Tick = {
          n: ++sent,
          at: Date.now(),
          topic,
          symbol: 'EURUSD',
          price: 1 + sent / messages,
          note: 'as long as usual',
        }
        if (to === 'live') void live.publish(topic, tick)
        else for (const client of rawClients()) client.send(JSON.stringify(tick))
      }
      if (sent < messages) return
      clearInterval(timer)
      resolve()
    }, TICK)
  })
  process.send!({ done: sent })
}

function rawClients() {
  return raw.clients
}
