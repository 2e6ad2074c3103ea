import cluster from 'node:cluster'
import type { Server } from 'node:net'

/**
 * In a worker of `node:cluster` the port is shared, and whoever listens gets its part of the new connections: one that
 * wants to be left has to stop listening, or those that it sends away come back to it. What is open stays open.
 * Elsewhere nothing happens, because there the health endpoint has to go on answering. Returns the undo.
 */
export function leaveToOtherWorkers(server: Server, isWorker: boolean = cluster.isWorker): () => void {
  const at = server.address()
  if (!isWorker || at === null || typeof at === 'string') return () => undefined
  server.close()
  return () => void server.listen(at.port, at.address)
}
