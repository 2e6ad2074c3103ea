import { createClient } from 'graphql-ws'
import { ignore, type Peer } from './peer.js'

interface Frame {
  readonly type: string
  readonly id: string
  readonly payload?: { readonly query: string }
}

/** The protocol does not confirm subscriptions. This first result does. */
const SUBSCRIBED = { data: { ready: true } }

export const peer: Peer = {
  answers(text) {
    const { type, id, payload } = JSON.parse(text) as Frame
    if (type === 'connection_init') return ['{"type":"connection_ack"}']
    if (type === 'ping') return ['{"type":"pong"}']
    if (type !== 'subscribe') return []
    const next = JSON.stringify({ id, type: 'next', payload: SUBSCRIBED })
    return payload!.query.startsWith('mutation') ? [next, JSON.stringify({ id, type: 'complete' })] : [next]
  },
  wire: (_n, tick) => JSON.stringify({ id: '1', type: 'next', payload: { data: { tick } } }),
  connect({ url, WebSocket, onMessage }) {
    let ids = 0
    const client = createClient({ url, webSocketImpl: WebSocket, generateID: () => String(++ids) })
    const ready = new Promise<void>((resolve) => {
      client.subscribe<{ ready?: boolean; tick: unknown }>(
        { query: 'subscription { tick }' },
        { next: ({ data }) => (data!.ready ? resolve() : onMessage(data!.tick)), error: ignore, complete: ignore },
      )
    })
    return {
      ready,
      publish: (order) =>
        new Promise<void>((complete, error) => {
          client.subscribe(
            { query: 'mutation ($order: Order) { place(order: $order) }', variables: { order } },
            { next: ignore, error, complete },
          )
        }),
      close: () => void client.dispose(),
    }
  },
}
