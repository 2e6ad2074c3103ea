import { setTimeout } from 'node:timers/promises'
import { serveProgram } from '../cluster/program.js'
import { createMessagePair } from '../cpu/message-pair.js'
import { createStubServer, messageEvent } from '../kit/stub-socket.js'
import { tick } from '../kit/tick.js'
import { loadPeer, type PeerName } from '../peers/peers.js'
import { liveHeap } from './live-heap.js'

/** Messages in one turn of the event loop. */
const AT_ONCE = 200

serveProgram<{ peer: PeerName }>(({ peer: name }) => ({
  /** Bytes of each of `clients` connected, idle clients. */
  async idle({ clients }: { clients: number }) {
    const peer = await loadPeer(name)
    const server = createStubServer(peer)
    const open = async (count: number) => {
      const connections = Array.from({ length: count }, () =>
        peer.connect({ url: 'ws://localhost/live', WebSocket: server.WebSocket, onMessage() {} }),
      )
      await Promise.all(connections.map(({ ready }) => ready))
      return connections
    }
    // What the first clients load is not the cost of one more client.
    const first = await open(50)
    await setTimeout(100)
    const before = await liveHeap()
    const more = await open(clients)
    await setTimeout(100)
    const after = await liveHeap()
    return { bytes: (after - before) / clients, held: first.length + more.length }
  },

  /** How much the heap has grown after `messages` messages, as a fraction of the whole heap. */
  async after({ messages, warmUp }: { messages: number; warmUp: number }) {
    const peer = await loadPeer(name)
    const server = createStubServer(peer)
    let seen = 0
    const connection = peer.connect({
      url: 'ws://localhost/live',
      WebSocket: server.WebSocket,
      onMessage: () => void seen++,
    })
    await connection.ready
    let sent = 0
    const deliver = async (count: number) => {
      for (const end = sent + count; sent < end; ) {
        sent++
        server.sockets.at(-1)!.deliver(messageEvent(peer.wire(sent, tick(sent))))
        if (sent % AT_ONCE === 0) await setTimeout(0)
      }
      await setTimeout(50)
    }
    await deliver(warmUp)
    const before = await liveHeap()
    await deliver(messages)
    const after = await liveHeap()
    if (seen < sent) throw new Error(`${name} showed ${seen} of ${sent} messages`)
    return { growth: after / before - 1 }
  },

  /**
   * Bytes that each message allocates, in a process that has room for all of them. Only the last block counts, because
   * all code is compiled by then.
   */
  async garbage({ messages, blocks }: { messages: number; blocks: number }) {
    const pair = await createMessagePair(await loadPeer(name))
    let bytes = 0
    for (let block = 0; block < blocks; block++) {
      pair.prepare(messages)
      await liveHeap()
      const before = process.memoryUsage().heapUsed
      await pair.client()
      bytes = process.memoryUsage().heapUsed - before
    }
    return { bytes: bytes / messages }
  },
}))
