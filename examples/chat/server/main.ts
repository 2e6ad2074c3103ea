import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { createLiveServer, memoryLog, PublishRefused, RequestRefused, type LiveServer } from 'livesocket/server'
import { redisLog } from 'livesocket/server/redis'
import type { Methods, Topics } from '../src/topics.js'
import { serveTokens, verify } from './tokens.js'

const redis = process.env['REDIS_URL']
const http = createServer((request, response) => {
  // A client that disconnects during a request, or an invalid URL, ends only that request.
  answer(request, response).catch(() => response.destroy())
})

const live: LiveServer<{ subject: string }, Topics> = createLiveServer<{ subject: string }, Topics, Methods>({
  server: http,
  path: '/live',
  log: redis ? redisLog({ url: redis, history: { maxMessages: 10_000 } }) : memoryLog(),
  authenticate({ token }) {
    const login = verify(token)
    return login && { subject: login.name, ttl: login.ttl }
  },
  authorize: ({ topic }) => isRoom(topic),
  tellPublisher: true,
  presence: () => true,
  onPublish({ data: { text } }) {
    if (typeof text !== 'string' || text.length > 2_000) throw new PublishRefused('too-long', 'That is too long')
    if (text.startsWith('/')) throw new PublishRefused('no-command', 'There are no commands')
  },
  onRequest: {
    async about({ data: { room } }) {
      const topic = `room:${room}` as const
      if (!isRoom(topic)) throw new RequestRefused('no-room', 'There is no such room')
      const [head, members] = await Promise.all([live.head(topic), live.members(topic)])
      return { messages: head.offset, members: members.length }
    },
  },
  onEvent: (event) => process.env['LOG'] && console.log(JSON.stringify(event)),
})
const health = live.healthEndpoint()
live.drainOn('SIGTERM')

http.listen(Number(process.env['PORT'] ?? 8080), () => {
  const address = http.address()
  console.log(`listening on http://localhost:${typeof address === 'object' ? address?.port : address}/`)
})

const isRoom = (topic: string) => /^room:[\w -]{1,40}$/.test(topic)

const TYPES: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' }

/** Serves logins, tokens, and the files of `npm run build`. */
async function answer(request: IncomingMessage, response: ServerResponse) {
  if (request.url === '/healthz') return health(request, response)
  if (await serveTokens(request, response)) return
  const { pathname } = new URL(`http://page${request.url}`)
  const file = join(import.meta.dirname, '../dist', pathname === '/' ? 'index.html' : pathname)
  const body = await readFile(file).catch(() => null)
  response.writeHead(body ? 200 : 404, { 'Content-Type': TYPES[extname(file)] ?? 'text/plain' }).end(body)
}
