import type { Peer } from './peer.js'

interface SocketLike {
  onopen: ((event: never) => unknown) | null
  onmessage: ((event: never) => unknown) | null
  send(text: string): void
  close(): void
}

/** Any class with the interface of a WebSocket: it delivers text, and the application parses it. */
export function plain(open: (url: string, WebSocket: unknown) => SocketLike): Peer {
  return {
    answers: () => [],
    wire: (_n, data) => JSON.stringify(data),
    connect({ url, WebSocket, onMessage }) {
      const socket = open(url, WebSocket)
      const ready = new Promise<void>((resolve) => (socket.onopen = () => resolve()))
      socket.onmessage = ({ data }: { data: string }) => onMessage(JSON.parse(data))
      return { ready, publish: (data) => socket.send(JSON.stringify(data)), close: () => socket.close() }
    },
  }
}
