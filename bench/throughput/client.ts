import WebSocket from 'ws'
import { serveProgram } from '../cluster/program.js'
import type { Connection } from '../peers/peer.js'
import { loadPeer, type PeerName } from '../peers/peers.js'

/** `ws` without compression. */
class Socket extends WebSocket {
  constructor(url: string | URL, protocols?: string | string[]) {
    super(url, protocols, { perMessageDeflate: false })
  }
}

interface Found {
  readonly ms: number
  readonly cpuMs: number
}

serveProgram<{ peer: PeerName; url: string }>(({ peer, url }) => {
  let connection: Connection
  let seen = 0
  let wanted = Infinity
  let start = { at: 0, cpu: 0 }
  let done: (found: Found) => void
  let arrived: Promise<Found>
  const cpu = () => process.cpuUsage().user + process.cpuUsage().system
  return {
    async connect() {
      const { connect } = await loadPeer(peer)
      connection = connect({
        url,
        WebSocket: Socket,
        onMessage: () => {
          if (++seen === wanted) done({ ms: performance.now() - start.at, cpuMs: (cpu() - start.cpu) / 1_000 })
        },
      })
      await connection.ready
    },
    /** Counts messages from this call on. */
    expect({ messages }: { messages: number }) {
      seen = 0
      wanted = messages
      start = { at: performance.now(), cpu: cpu() }
      arrived = new Promise((resolve) => (done = resolve))
    },
    /** Answers when all expected messages have arrived. */
    received: () => arrived,
    close: () => connection.close(),
  }
})
