import { serveProgram } from '../cluster/program.js'
import { createStubServer, messageEvent } from '../kit/stub-socket.js'
import { order } from '../kit/tick.js'
import { loadPeer, type PeerName } from '../peers/peers.js'

interface Size {
  readonly publishes: number
  readonly warmUp: number
}

/** Publishes in one turn of the event loop; fewer than an outbox holds. */
const BLOCK = 200

serveProgram<{ peer: PeerName }>(({ peer: name }) => ({
  /** Processor time of a publish and its answer, and of `JSON.stringify` and a send of the same data, µs. */
  async measure({ publishes, warmUp }: Size) {
    const peer = await loadPeer(name)
    const server = createStubServer(peer)
    const connection = peer.connect({ url: 'ws://localhost/live', WebSocket: server.WebSocket, onMessage() {} })
    await connection.ready
    await connection.publish(order(0))
    const kept: string[] = []
    let spent = { publish: 0, least: 0 }
    const cpu = () => process.cpuUsage().user + process.cpuUsage().system
    const stub = server.sockets.at(-1)!
    // Made once, so that collecting them is not counted as the client's work.
    const orders = Array.from({ length: BLOCK }, (_, at) => order(at + 1))

    for (let done = 0; done < warmUp + publishes; done += BLOCK) {
      if (done === warmUp) spent = { publish: 0, least: 0 }
      const sent = server.keep()
      let at = cpu()
      const answered = Promise.all(orders.map((data) => connection.publish(data)))
      // Some clients send at the end of the turn in which the publish was made.
      await new Promise((resolve) => setImmediate(resolve))
      spent.publish += cpu() - at
      // The server's work is not measured.
      const events = sent.flatMap((text) => peer.answers(text)).map(messageEvent)
      at = cpu()
      for (const event of events) stub.deliver(event)
      await answered
      spent.publish += cpu() - at
      at = cpu()
      for (const data of orders) kept.push(JSON.stringify(data))
      spent.least += cpu() - at
      kept.length = 0
    }
    return { us: spent.publish / publishes, leastUs: spent.least / publishes }
  },
}))
