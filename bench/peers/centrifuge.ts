import { Centrifuge } from 'centrifuge'
import { OUTBOUND, TOPIC, type Peer } from './peer.js'

interface Command {
  readonly id?: number
  readonly connect?: object
  readonly subscribe?: object
  readonly publish?: object
}

function reply({ id, connect, subscribe, publish }: Command): readonly string[] {
  if (connect) return [JSON.stringify({ id, connect: { client: 'bench', version: '6', ping: 600 } })]
  if (subscribe) return [JSON.stringify({ id, subscribe: {} })]
  return publish ? [JSON.stringify({ id, publish: {} })] : []
}

export const peer: Peer = {
  answers: (text) => text.split('\n').flatMap((line) => reply(JSON.parse(line) as Command)),
  wire: (n, data) => JSON.stringify({ push: { channel: TOPIC, pub: { data, offset: n } } }),
  connect({ url, WebSocket, onMessage }) {
    const client = new Centrifuge(url, { websocket: WebSocket })
    const subscription = client.newSubscription(TOPIC)
    subscription.on('publication', ({ data }) => onMessage(data))
    const ready = new Promise<void>((resolve) => void subscription.on('subscribed', () => resolve()))
    subscription.subscribe()
    client.connect()
    return { ready, publish: (data) => client.publish(OUTBOUND, data), close: () => client.disconnect() }
  },
}
