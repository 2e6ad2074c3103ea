// A server as a separate process, for tests of signals. Prints its address.
import { createLiveServer } from '../../../src/server/index.js'

const server = createLiveServer({ port: 0, host: '127.0.0.1', authenticate: () => ({ subject: 'anybody' }) })
server.drainOn('SIGTERM', { reason: 'stopping' })
await server.ready
console.log(server.address())
