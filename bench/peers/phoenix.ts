import { Socket } from 'phoenix'
import { OUTBOUND, TOPIC, type Peer } from './peer.js'

type Message = [join: string | null, ref: string | null, topic: string, event: string, payload: unknown]

export const peer: Peer = {
  answers(text) {
    const [join, ref, topic] = JSON.parse(text) as Message
    return [JSON.stringify([join, ref, topic, 'phx_reply', { status: 'ok', response: {} }])]
  },
  wire: (_n, data) => JSON.stringify([null, null, TOPIC, 'tick', data]),
  connect({ url, WebSocket, onMessage }) {
    const socket = new Socket(url, { transport: WebSocket, heartbeatIntervalMs: 25_000 })
    socket.connect()
    const join = (topic: string) => {
      const channel = socket.channel(topic, {})
      const joined = new Promise<void>(
        (resolve) => void (channel.join() as ReturnType<typeof channel.push>).receive('ok', () => resolve()),
      )
      return { channel, joined }
    }
    const feed = join(TOPIC)
    feed.channel.on('tick', onMessage)
    let outbound: ReturnType<typeof join> | undefined
    return {
      ready: feed.joined,
      publish: (data) =>
        new Promise(
          (resolve) => void (outbound ??= join(OUTBOUND)).channel.push('order', data as object).receive('ok', resolve),
        ),
      close: () => socket.disconnect(),
    }
  },
}
