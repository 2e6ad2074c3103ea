import { createLiveSocket } from 'livesocket'
import { OUTBOUND, TOPIC, type Peer } from './peer.js'

interface Frame {
  readonly type: string
  readonly id?: string
  readonly n?: number
  readonly topics?: Record<string, { epoch?: string; offset?: number }>
}

function answered(topics: Frame['topics'] = {}) {
  return Object.fromEntries(
    Object.entries(topics).map(([name, { epoch = 'e', offset = 0 }]) => [name, { epoch, offset, after: offset }]),
  )
}

function answer({ type, id, n, topics }: Frame): object | null {
  if (type === 'hello') return { type: 'welcome', server: 'bench', heartbeat: 25_000, topics: answered(topics) }
  if (type === 'subscribe') return { type: 'subscribed', id, topics: answered(topics) }
  if (type === 'publish') return { type: 'ack', id, offset: n, epoch: 'e' }
  return type === 'ping' ? { type: 'pong' } : null
}

export const peer: Peer = {
  answers(text) {
    const said = answer(JSON.parse(text) as Frame)
    return said ? [JSON.stringify(said)] : []
  },
  wire: (n, data) => JSON.stringify({ type: 'message', topic: TOPIC, offset: n, data }),
  connect({ url, WebSocket, onMessage }) {
    const socket = createLiveSocket({ url, environment: { WebSocket } })
    const ready = new Promise<void>((resolve) => {
      socket.store.subscribe(({ status }) => status === 'live' && resolve())
    })
    socket.subscribe(TOPIC, onMessage)
    socket.connect()
    return { ready, publish: (data) => socket.publish(OUTBOUND, data), close: () => socket.close() }
  },
}
