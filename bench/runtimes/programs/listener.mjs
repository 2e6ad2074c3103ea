// A server of Node at the port that it is given. Whoever started it kills it, or has it close what it serves and serve
// anew by a line on its standard input.
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
