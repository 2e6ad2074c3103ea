import cluster from 'node:cluster'
import type { Server } from 'node:net'

/**
 * In a worker of `node:cluster` the port is shared, and every worker that listens gets its part of the new connections.
 * A worker that drains has to stop listening, or the clients that it sends away come back to it. Open connections stay
 * open. Outside a worker nothing happens, because there the health endpoint has to keep answering. Returns the undo.
 */
export function leaveToOtherWorkers(server: Server, isWorker: boolean = cluster.isWorker): () => void {
  const at = server.address()
  if (!isWorker || at === null || typeof at === 'string') return () => undefined
  server.close()
  return () => void server.listen(at.port, at.address)
}
