import { WebSocket, type ClientOptions } from 'ws'
import { frameClient, type FrameSocket } from '../../src/cli/frame-client.js'

/** A frame as it came: raw JSON, so that no code of ours stands between a test and the wire. */
export type RawFrame = { readonly type: string } & Readonly<Record<string, any>>

/** One WebSocket that speaks livesocket.v1 by hand: what the conformance kit speaks with, over `ws`. */
export interface RawClient {
  readonly ws: WebSocket
  /** Every frame that came, in order. */
  readonly frames: readonly RawFrame[]
  send(frame: object): void
  /** The next frame of that type that no `next` has taken yet. Rejects when the connection ends without one. */
  next(type: string): Promise<RawFrame>
  /** Says hello and waits for the welcome. */
  hello(fields?: object): Promise<RawFrame>
  /** Resolves when everything that was sent before has been dealt with. */
  settle(): Promise<void>
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>
  of(type: string): RawFrame[]
  close(): void
}

/** A test that waits in vain hears for what, before it runs out of time itself, ms. */
const PATIENCE = 25_000

let sessions = 0

/** Opens one; rejects with the HTTP status where the server refused. */
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
