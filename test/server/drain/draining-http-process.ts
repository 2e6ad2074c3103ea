// An application's HTTP server with a live server on it, as a separate process. Prints its port. `/slow` reports that
// it was called, and answers when standard input says so.
import { createServer } from 'node:http'
import { createLiveServer } from '../../../src/server/index.js'

const http = createServer((request, response) => {
  if (request.url !== '/slow') return void response.end()
  console.log('asked')
  process.stdin.once('data', () => response.end('answered'))
})
const server = createLiveServer({ server: http, path: '/live', authenticate: () => ({ subject: 'anybody' }) })
server.drainOn('SIGTERM')
http.listen(0, '127.0.0.1', () => console.log((http.address() as { port: number }).port))
