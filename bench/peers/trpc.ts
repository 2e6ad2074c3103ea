import { createTRPCClient, createWSClient, wsLink } from '@trpc/client'
import type { Peer } from './peer.js'

interface Call {
  readonly id: number
  readonly method: string
}

/** The types of the procedures that this client calls. */
interface Procedures {
  readonly ticks: { subscribe(input: undefined, on: { onStarted(): void; onData(data: unknown): void }): unknown }
  readonly order: { mutate(input: unknown): Promise<unknown> }
}

export const peer: Peer = {
  answers(text) {
    if (text === 'PING') return ['PONG']
    return ([JSON.parse(text)] as (Call | readonly Call[])[])
      .flat()
      .filter(({ method }) => method === 'subscription' || method === 'mutation')
      .map(({ id, method }) => JSON.stringify({ id, result: { type: method === 'mutation' ? 'data' : 'started' } }))
  },
  wire: (_n, data) => JSON.stringify({ id: 1, result: { type: 'data', data } }),
  connect({ url, WebSocket, onMessage }) {
    const client = createWSClient({ url, WebSocket: WebSocket as typeof globalThis.WebSocket })
    const procedures = createTRPCClient({ links: [wsLink({ client } as never)] }) as unknown as Procedures
    const ready = new Promise<void>(
      (resolve) => void procedures.ticks.subscribe(undefined, { onStarted: resolve, onData: onMessage }),
    )
    return { ready, publish: (data) => procedures.order.mutate(data), close: () => void client.close() }
  },
}
