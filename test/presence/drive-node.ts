// A server of the drive in its own process, which can be killed.
import { serveProgram } from '../../bench/cluster/program.js'
import { createLiveServer } from '../../src/server/index.js'
import { openRedisLog } from '../../src/server/redis/redis-log.js'
import { watchStalls } from './stall.js'

export interface DriveNode {
  readonly redis: string
  /** The lease of the node, ms. */
  readonly lease: number
}

serveProgram<DriveNode>(({ redis, lease }) => {
  const log = openRedisLog({ url: redis, onError: () => undefined }, { lease })
  const server = createLiveServer<{ subject: string }>({
    port: 0,
    host: '127.0.0.1',
    log,
    authenticate: ({ token }) => ({ subject: token! }),
    presence: () => true,
    reconnectSpread: 200,
    limits: { presenceGrace: lease / 3 },
    onError: () => undefined,
  })
  return {
    async address() {
      await server.ready
      return server.address()
    },
    members: () => server.members('room'),
    stalled: watchStalls(),
  }
})
