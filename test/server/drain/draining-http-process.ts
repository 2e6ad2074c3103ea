// An application's HTTP server with a live server on it, as a process of its own. Prints its port; `/slow` says that it
// was asked, and answers when it is told to by its standard input.
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
