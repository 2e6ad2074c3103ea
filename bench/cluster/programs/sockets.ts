// Many plain WebSockets in one process, so that the cost of a client library is not measured. The first socket
// publishes.
import { once } from 'node:events'
import WebSocket from 'ws'
import { systemClock } from '../../../src/base/clock.js'
import { serveProgram } from '../program.js'

export interface SocketsSetup {
  readonly url: string
  readonly count: number
  readonly rate: number
  /** Whether they speak livesocket.v1, written by hand; otherwise they only read what the server sends. */
  readonly speaks: boolean
}

serveProgram<SocketsSetup>((setup) => {
  const sockets: WebSocket[] = []
  const latencies: number[] = []
  let publishing = false
  let count = 0
  return {
    async connect() {
      for (let at = 0; at < setup.count; at++) {
        const socket = new WebSocket(setup.url, setup.speaks ? ['livesocket.v1'] : [], { perMessageDeflate: false })
        sockets.push(socket)
        await once(socket, 'open')
        if (setup.speaks) {
          socket.send(
            JSON.stringify({ type: 'hello', session: `${process.pid}.${at}`, leg: 1, topics: { shared: {} } }),
          )
          await once(socket, 'message')
        }
        socket.on('message', (text) => {
          const frame = JSON.parse(String(text)) as { at?: number; type?: string; data?: { at: number } }
          const sentAt = setup.speaks ? frame.data?.at : frame.at
          if (sentAt !== undefined) latencies.push(systemClock.now() - sentAt)
        })
      }
      const tick = () => {
        const message = { at: systemClock.now() }
        if (publishing)
          sockets[0]!.send(
            JSON.stringify(
              setup.speaks ? { type: 'publish', id: `${++count}`, topic: 'shared', data: message } : message,
            ),
          )
        systemClock.setTimeout(tick, 1_000 / setup.rate)
      }
      if (setup.rate > 0) tick()
    },
    publish: ({ on }: { on: boolean }) => void (publishing = on),
    measure: () => void (latencies.length = 0),
    latencies: () => latencies.sort((a, b) => a - b),
  }
})
