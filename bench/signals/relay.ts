// A LiveSocket server and a bare ws relay in one process, so that both meet the same load on the machine.
import type { AddressInfo } from 'node:net'
import { createLiveServer } from 'livesocket/server'
import { WebSocketServer, type WebSocket } from 'ws'
import { serveProgram } from '../cluster/program.js'

serveProgram(() => ({
  async listen() {
    const rooms = new Map<string, WebSocket[]>()
    const bare = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: false })
    bare.on('connection', (from, { url }) => {
      const room = rooms.get(url!) ?? []
      rooms.set(url!, [...room, from])
      from.on('message', (data) => {
        const text = String(data)
        for (const to of rooms.get(url!)!) if (to !== from) to.send(text)
      })
    })
    const live = createLiveServer({
      port: 0,
      host: '127.0.0.1',
      authenticate: () => ({ subject: 'anybody' }),
      authorize: () => true,
    })
    await live.ready
    return { live: live.address(), bare: `ws://127.0.0.1:${(bare.address() as AddressInfo).port}/` }
  },
}))
