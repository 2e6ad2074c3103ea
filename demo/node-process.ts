// One live server in its own process, on Redis. The process that started it has the token service, and checks tokens for it.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createLiveServer } from 'livesocket/server'
import { redisLog } from 'livesocket/server/redis'
import type { FromNode, ToNode } from './process-nodes.js'
import { roomOf } from './room.js'
import type { TokenUser } from '../test/kit/token-service.js'

const { id, redis, allowedOrigins } = JSON.parse(process.argv[2]!) as {
  id: string
  redis: string
  allowedOrigins: string[]
}
const tell = (message: FromNode) => void (process.connected && process.send!(message))
const asked = new Map<number, (user: TokenUser | null) => void>()
let count = 0

const log = redisLog({ url: redis, prefix: 'livesocket-demo' })
const http = createServer((request, response) =>
  request.url === '/healthz' ? health(request, response) : response.writeHead(404).end(),
)
const live = createLiveServer<TokenUser>({
  server: http,
  path: '/live',
  id,
  log,
  allowedOrigins,
  authenticate: ({ token }) =>
    new Promise((resolve) => {
      asked.set(++count, resolve)
      tell({ type: 'verify', ask: count, token })
    }),
  // Every user with a token of the demo may do everything.
  authorize: () => true,
  reconnectSpread: 1_000,
  ...roomOf(id),
})
const health = live.healthEndpoint()

process.on('message', (message: ToNode) => {
  switch (message.type) {
    case 'verified':
      asked.get(message.ask)?.(message.user)
      return void asked.delete(message.ask)
    case 'logout':
      return void live.end(({ user }) => user.login === message.login, 'signed out')
    case 'drain':
      return void live
        .drain({ reason: 'deploy', ...message.plan })
        .then((result) => tell({ type: 'drained', ...result }))
    case 'close':
      return void live
        .close()
        .then(() => log.close())
        .then(() => process.exit(0))
  }
})
// The process that started this one has ended.
process.on('disconnect', () => process.exit(1))
// Ctrl+C reaches the whole process group, but the process that started this one decides when it closes.
process.on('SIGINT', () => {})

http.listen(0, '127.0.0.1')
await once(http, 'listening')
tell({ type: 'ready', port: (http.address() as AddressInfo).port })
