// Two workers of node:cluster that share a port. Prints the port, then the number of each worker that has ended, and
// how. A word on standard input names the worker that gets a SIGTERM.
import cluster from 'node:cluster'
import { createInterface } from 'node:readline'
import { createLiveServer } from '../../../src/server/index.js'

if (cluster.isPrimary) {
  const listening = new Promise<number>((resolve) => {
    let count = 0
    cluster.on('listening', (_, { port }) => void (++count === 2 && resolve(port)))
  })
  cluster.fork()
  cluster.fork()
  cluster.on('exit', (worker, code) => console.log(`${worker.id} ended with ${code}`))
  console.log(String(await listening))
  createInterface({ input: process.stdin }).on('line', (id) => void cluster.workers![id]!.process.kill('SIGTERM'))
} else {
  const server = createLiveServer({
    port: 0,
    host: '127.0.0.1',
    id: String(cluster.worker!.id),
    authenticate: () => ({}),
  })
  server.drainOn('SIGTERM')
  await server.ready
}
