import { WebSocket, type ClientOptions } from 'ws'
import { frameClient, type FrameSocket } from '../../src/cli/frame-client.js'

/** A frame as raw JSON, so that no code of this project is between a test and the wire. */
export type RawFrame = { readonly type: string } & Readonly<Record<string, any>>

/** One WebSocket that speaks livesocket.v1 by hand, over `ws`. The conformance kit speaks the same way. */
export interface RawClient {
  readonly ws: WebSocket
  /** Every frame that arrived, in order. */
  readonly frames: readonly RawFrame[]
  send(frame: object): void
  /** The next frame of this type that no `next` has returned yet. Rejects if the connection ends without one. */
  next(type: string): Promise<RawFrame>
  /** Says hello and waits for the welcome. */
  hello(fields?: object): Promise<RawFrame>
  /** Resolves when the server has handled everything that was sent before. */
  settle(): Promise<void>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  of(type: string): RawFrame[]
  close(): void
}

/** Shorter than a test's own time limit, so that a test which waits in vain learns for what, ms. */
const PATIENCE = 25_000

let sessions = 0

/** Opens a client. Rejects with the HTTP status if the server refused it. */
export async function rawClient(
  url: string,
  options: ClientOptions & { protocols?: string[] } = {},
): Promise<RawClient> {
  const { protocols = ['livesocket.v1'], ...rest } = options
  const ws = new WebSocket(url, protocols, { perMessageDeflate: false, ...rest })
  const { frames, next, closed, of } = frameClient(ws as unknown as FrameSocket, { patience: PATIENCE })
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('unexpected-response', (_request, response) => {
      reject(new Error(`refused with ${response.statusCode}`))
      ws.terminate()
    })
    ws.once('error', reject)
  })

  const client: RawClient = {
    ws,
    frames,
    send: (frame) => ws.send(JSON.stringify(frame)),
    next: (type) => next(type),
    hello(fields = {}) {
      client.send({ type: 'hello', session: `session-${++sessions}`, leg: 1, topics: {}, ...fields })
      return client.next('welcome')
    },
    async settle() {
      client.send({ type: 'ping' })
      await client.next('pong')
    },
    get closed() {
      return closed()
    },
    of,
    close: () => ws.close(1000),
  }
  return client
}
