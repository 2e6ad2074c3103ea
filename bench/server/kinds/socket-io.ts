import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import type { LegWords, ServerKind } from '../kind.js'

let io: Server

export const kind: ServerKind = {
  async listen() {
    const http = createServer()
    io = new Server(http, { transports: ['websocket'] })
    io.on('connection', (socket) => void socket.on('tick', (data) => kind.publish(data)))
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    return { port: (http.address() as AddressInfo).port }
  },
  publish: (data) => io.emit('tick', data),
}

export const words: LegWords = {
  path: '/socket.io/?EIO=4&transport=websocket',
  protocols: [],
  hear(text) {
    if (text.startsWith('42')) return 'message'
    if (text.startsWith('40')) return 'ready'
    if (text.startsWith('0')) return { answer: '40' }
    return text === '2' ? { answer: '3' } : null
  },
}
