// The server for comparison: `ws` and Redis pub/sub, and nothing else.
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createClient } from 'redis'
import { WebSocketServer } from 'ws'
import { serveProgram } from '../program.js'

export interface BareSetup {
  readonly port: number
  readonly redis: string
  readonly channel: string
}

serveProgram<BareSetup>((setup) => {
  const http = createServer()
  const sockets = new WebSocketServer({ server: http, perMessageDeflate: false })
  const redis = createClient({ url: setup.redis })
  const publisher = redis.duplicate()
  sockets.on('connection', (socket) => {
    socket.on('message', (data) => void publisher.publish(setup.channel, String(data)))
  })
  http.listen(setup.port, '127.0.0.1')
  return {
    async ready() {
      if (!http.listening) await once(http, 'listening')
      await Promise.all([redis.connect(), publisher.connect()])
      await redis.subscribe(setup.channel, (text) => {
        for (const socket of sockets.clients) socket.send(text)
      })
    },
    state() {
      globalThis.gc?.()
      const { rss } = process.memoryUsage()
      return { connections: sockets.clients.size, rss }
    },
  }
})
