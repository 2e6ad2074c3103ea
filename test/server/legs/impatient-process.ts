// A server as a separate process that waits a second for a hello, for tests of what a pause does to it. Prints its
// address.
import { createLiveServer } from '../../../src/server/index.js'

const server = createLiveServer({
  port: 0,
  host: '127.0.0.1',
  limits: { helloTimeout: 1_000 },
  authenticate: () => ({ subject: 'anybody' }),
})
await server.ready
console.log(server.address())
