import { io, WebSocket as Transport } from 'socket.io-client'
import type { Peer } from './peer.js'

const OPEN = '0{"sid":"bench","upgrades":[],"pingInterval":25000,"pingTimeout":600000,"maxPayload":1000000}'

export const peer: Peer = {
  greeting: [OPEN],
  answers(text) {
    if (text.startsWith('40')) return ['40{"sid":"bench"}']
    const [, id] = /^42(\d+)/.exec(text) ?? []
    return id === undefined ? [] : [`43${id}[]`]
  },
  wire: (_n, data) => `42${JSON.stringify(['tick', data])}`,
  json: (wire) => wire.slice(2),
  connect({ url, WebSocket, onMessage }) {
    const Socket = WebSocket as new (url: string) => unknown
    class Given extends Transport {
      override createSocket(address: string) {
        return new Socket(address)
      }
    }
    // Socket.IO would take a path as a namespace.
    const socket = io(new URL(url).origin, { transports: [Given] as never, forceNew: true })
    socket.on('tick', onMessage)
    const ready = new Promise<void>((resolve) => void socket.on('connect', resolve))
    return {
      ready,
      publish: (data) => new Promise((resolve) => void socket.emit('order', data, resolve)),
      close: () => void socket.disconnect(),
    }
  },
}
