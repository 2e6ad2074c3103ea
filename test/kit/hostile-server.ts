import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocketServer, type WebSocket } from 'ws'

/** What one connection has received so far, and control over it. */
export interface HostileLeg {
  /** The token in its hello. */
  readonly token: string
  readonly hello: Record<string, any>
  send(frame: object | string): void
  welcome(fields?: object): void
  close(code: number, reason: string): void
}

/**
 * A WebSocket server that follows no rules: the test decides what happens on each `hello` and on each other frame.
 * Unlike `hand-served.ts` it uses real sockets, so it sees what any server, proxy or log could see.
 */
export async function hostileServer(
  hello: (leg: HostileLeg, count: number) => void,
  frame: (leg: HostileLeg, frame: Record<string, any>) => void = () => {},
) {
  const requests: string[] = []
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', handleProtocols: () => 'livesocket.v1' })
  const legs = new Map<WebSocket, HostileLeg>()
  let count = 0
  server.on('connection', (ws, request) => {
    requests.push(`${request.url} ${JSON.stringify(request.rawHeaders)}`)
    ws.on('message', (data) => {
      const said = JSON.parse(String(data)) as Record<string, any>
      const known = legs.get(ws)
      if (known) return frame(known, said)
      const leg: HostileLeg = {
        hello: said,
        token: said['token'] as string,
        send: (given) => ws.send(typeof given === 'string' ? given : JSON.stringify(given)),
        welcome(fields) {
          const topics = Object.fromEntries(
            Object.keys(said['topics'] as object).map((name) => [name, { epoch: 'e', offset: 0, after: 0 }]),
          )
          leg.send({ type: 'welcome', server: 'hostile', topics, ...fields })
        },
        close: (code, reason) => ws.close(code, reason),
      }
      legs.set(ws, leg)
      hello(leg, ++count)
    })
    ws.on('error', () => {})
  })
  await once(server, 'listening')
  onTestFinished(() => {
    for (const ws of server.clients) ws.terminate()
    server.close()
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/live`,
    /** What a log of the server or of a proxy would show of each connection. */
    requests,
    get legs() {
      return [...legs.values()]
    },
  }
}
