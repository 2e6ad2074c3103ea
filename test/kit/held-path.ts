import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface HeldPath {
  /** In place of the servers' own. */
  readonly url: string
  /** What clients send over the connection of that number, from 1, arrives no longer. What servers send does. */
  hold(connection: number): void
  /** It arrives now, in its order, and what is sent from now on at once. */
  release(connection: number): void
  readonly connections: number
  close(): void
}

/**
 * A way to servers on which what was sent may stay for a while. Connection number `n` leads to `ports[n - 1]`, later
 * ones to the last.
 */
export async function heldPath(ports: readonly number[]): Promise<HeldPath> {
  const ways: { held: boolean; readonly kept: (() => void)[] }[] = []
  const sockets = new Set<Socket>()
  const server = createServer((near) => {
    const far = connect(ports[Math.min(ways.length, ports.length - 1)]!, '127.0.0.1')
    const way = { held: false, kept: [] as (() => void)[] }
    ways.push(way)
    for (const socket of [near, far]) sockets.add(socket.on('error', () => undefined))
    const pass = (give: () => void) => void (way.held ? way.kept.push(give) : give())
    near.on('data', (chunk) => pass(() => void far.write(chunk))).on('end', () => pass(() => far.end()))
    far.on('data', (chunk) => void near.write(chunk)).on('end', () => near.end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    hold: (connection) => void (ways[connection - 1]!.held = true),
    release(connection) {
      const way = ways[connection - 1]!
      way.held = false
      for (const give of way.kept.splice(0)) give()
    },
    get connections() {
      return ways.length
    },
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}
