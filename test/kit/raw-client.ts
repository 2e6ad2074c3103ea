import { WebSocket, type ClientOptions } from 'ws'

/** A frame as it came: raw JSON, so that no code of ours stands between a test and the wire. */
export type RawFrame = { readonly type: string } & Readonly<Record<string, any>>

/** One WebSocket that speaks livesocket.v1 by hand. */
export interface RawClient {
  readonly ws: WebSocket
  /** Every frame that came, in order. */
  readonly frames: RawFrame[]
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

let sessions = 0

/** Opens one; rejects with the HTTP status where the server refused. */
export async function rawClient(
  url: string,
  options: ClientOptions & { protocols?: string[] } = {},
): Promise<RawClient> {
  const { protocols = ['livesocket.v1'], ...rest } = options
  const ws = new WebSocket(url, protocols, { perMessageDeflate: false, ...rest })
  const frames: RawFrame[] = []
  const untaken: RawFrame[] = []
  let waiting: { type: string; take: (frame: RawFrame) => void; fail: (error: Error) => void }[] = []
  let over: { code: number; reason: string } | null = null

  ws.on('message', (data) => {
    const frame = JSON.parse(String(data)) as RawFrame
    frames.push(frame)
    const waiter = waiting.find(({ type }) => type === frame.type)
    if (!waiter) return void untaken.push(frame)
    waiting = waiting.filter((other) => other !== waiter)
    waiter.take(frame)
  })
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.on('close', (code, reason) => {
      over = { code, reason: String(reason) }
      for (const { type, fail } of waiting)
        fail(new Error(`closed with ${code} before a ${type}; came: ${JSON.stringify(frames.slice(-5))}`))
      resolve(over)
    })
  })
  await new Promise<void>((resolve, reject) => {
    ws.once('open', resolve)
    ws.once('unexpected-response', (_request, response) => {
      reject(new Error(`refused with ${response.statusCode}`))
      ws.on('error', () => undefined)
      ws.terminate()
    })
    ws.once('error', reject)
  })
  ws.on('error', () => undefined)

  const client: RawClient = {
    ws,
    frames,
    send: (frame) => ws.send(JSON.stringify(frame)),
    next(type) {
      const at = untaken.findIndex((frame) => frame.type === type)
      if (at >= 0) return Promise.resolve(untaken.splice(at, 1)[0]!)
      if (over)
        return Promise.reject(
          new Error(`closed with ${over.code}, no ${type} came: ${JSON.stringify(frames.slice(-5))}`),
        )
      return new Promise((take, fail) => void waiting.push({ type, take, fail }))
    },
    hello(fields = {}) {
      client.send({ type: 'hello', session: `session-${++sessions}`, leg: 1, topics: {}, ...fields })
      return client.next('welcome')
    },
    async settle() {
      client.send({ type: 'ping' })
      await client.next('pong')
    },
    closed,
    of: (type) => frames.filter((frame) => frame.type === type),
    close: () => ws.close(1000),
  }
  return client
}
