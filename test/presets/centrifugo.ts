import { WebSocketServer, type WebSocket } from 'ws'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

type Command = { id: number } & Record<string, Record<string, unknown>>

/** Channels with history that all nodes of a test share. */
export function centrifugoHistory() {
  const logs = new Map<string, { epoch: string; kept: { offset: number; data: unknown }[]; top: number }>()
  const readers = new Set<(channel: string, offset: number, data: unknown) => void>()
  const of = (channel: string) => {
    const log = logs.get(channel) ?? { epoch: 'e1', kept: [], top: 0 }
    logs.set(channel, log)
    return log
  }
  return {
    of,
    readers,
    publish(channel: string, data: unknown) {
      const log = of(channel)
      log.kept.push({ offset: ++log.top, data })
      for (const reader of readers) reader(channel, log.top, data)
    },
  }
}

/**
 * A node that answers as Centrifugo's published protocol says, in JSON. The client of `centrifuge`, which the same test
 * connects to it, confirms that.
 */
export async function centrifugoNode(
  node: string,
  history: ReturnType<typeof centrifugoHistory>,
  { token = (_: unknown): number | null => null, positioned = true } = {},
) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const received: Command[] = []
  const sockets: WebSocket[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    const channels = new Set<string>()
    const say = (reply: object) => socket.send(JSON.stringify(reply))
    const read = (channel: string, offset: number, data: unknown) =>
      channels.has(channel) && say({ push: { channel, pub: positioned ? { data, offset } : { data } } })
    history.readers.add(read)
    socket.on('close', () => history.readers.delete(read))
    socket.on('message', (text: Buffer) => {
      for (const line of String(text).split('\n')) {
        const command = JSON.parse(line) as Command
        received.push(command)
        answer(command)
      }
    })

    function answer({ id, connect, subscribe, publish, rpc, ping, unsubscribe, refresh }: Command) {
      if (connect || refresh) {
        const code = token((connect ?? refresh)!['token'])
        if (code !== null && code >= 3000) return socket.close(code, 'invalid token')
        if (code !== null) return say({ id, error: { code, message: 'token expired' } })
        if (refresh) return say({ id, refresh: { client: 'c', version: '6', expires: true, ttl: 600 } })
        return say({ id, connect: { client: 'c', version: '6', node, ping: 25, pong: true } })
      }
      if (subscribe) return join(id, subscribe)
      if (unsubscribe) channels.delete(String(unsubscribe['channel']))
      if (publish) history.publish(String(publish['channel']), publish['data'])
      if (rpc && rpc['method'] !== 'double') return say({ id, error: { code: 104, message: 'method not found' } })
      if (id)
        say({
          id,
          ...(publish && { publish: {} }),
          ...(unsubscribe && { unsubscribe: {} }),
          ...(ping && { ping: {} }),
          ...(rpc && { rpc: { data: 2 * (rpc['data'] as number) } }),
        })
    }

    function join(id: number, { channel, recover, offset, epoch }: Record<string, unknown>) {
      if (channel === 'secret') return say({ id, error: { code: 103, message: 'permission denied' } })
      channels.add(channel as string)
      if (!positioned) return say({ id, subscribe: {} })
      const log = history.of(channel as string)
      const from = log.kept[0]?.offset ?? log.top + 1
      const recovered = recover === true && epoch === log.epoch && (offset as number) >= from - 1
      const publications = recovered ? log.kept.filter((one) => one.offset > (offset as number)) : []
      const asked = recover === true ? { was_recovering: true, recovered } : {}
      say({
        id,
        subscribe: { recoverable: true, positioned: true, epoch: log.epoch, offset: log.top, publications, ...asked },
      })
    }
  })
  onTestFinished(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/connection/websocket`, received, sockets }
}
