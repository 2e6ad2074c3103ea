import { WebSocket } from 'ws'

/**
 * Calls and answers over one WebSocket, as in Chromium's DevTools and WebDriver BiDi: `{ id, method, params }`, then
 * `result` or `error`.
 */
export interface SocketCalls {
  call<Result>(method: string, params?: object, sessionId?: string): Promise<Result>
  /** The next event with this name. */
  event<Params>(method: string): Promise<Params>
  disconnect(): void
}

interface Answer {
  readonly id?: number
  readonly result?: never
  /** In DevTools an object; in BiDi the name of the error, with a `message` beside it. */
  readonly error?: { message: string } | string
  readonly message?: string
  readonly method?: string
  readonly params?: never
}

/** `peer`: the name of the other side in errors. */
export async function connectCalls(url: string, peer: string): Promise<SocketCalls> {
  const ws = new WebSocket(url)
  await new Promise<void>((resolve, reject) => ws.once('open', resolve).once('error', reject))
  const calls = new Map<number, { resolve: (result: never) => void; reject: (error: Error) => void }>()
  const events = new Map<string, (params: never) => void>()
  let count = 0
  ws.on('message', (data) => {
    const { id, result, error, message, method, params } = JSON.parse(String(data)) as Answer
    if (typeof id !== 'number') return events.get(method!)?.(params!)
    if (error)
      calls.get(id)?.reject(new Error(`${peer}: ${typeof error === 'string' ? `${error}: ${message}` : error.message}`))
    else calls.get(id)?.resolve(result!)
    calls.delete(id)
  })
  ws.on('close', () => {
    for (const { reject } of calls.values()) reject(new Error(`${peer} is gone`))
  })
  return {
    call: <Result>(method: string, params: object = {}, sessionId?: string) =>
      new Promise<Result>((resolve, reject) => {
        if (ws.readyState !== WebSocket.OPEN) return reject(new Error(`${peer} is gone`))
        calls.set(++count, { resolve, reject })
        ws.send(JSON.stringify({ id: count, method, params, ...(sessionId ? { sessionId } : {}) }))
      }),
    event: <Params>(method: string) => new Promise<Params>((resolve) => void events.set(method, resolve)),
    disconnect: () => ws.close(),
  }
}
