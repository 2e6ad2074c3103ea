// A server in Node at the given port. Its parent kills it, or tells it by a line on standard input to close its live
// server and start another one.
import { createServer } from 'node:http'
import { createLiveServer } from 'livesocket/server'

const http = createServer()
const create = () => createLiveServer({ server: http, authenticate: () => ({ subject: 'anybody' }) })
let live = create()
http.listen(Number(process.argv[2]), '127.0.0.1', () => console.log('listens'))
process.stdin.on('data', async () => {
  await live.close()
  live = create()
})
