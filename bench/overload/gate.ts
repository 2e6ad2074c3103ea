import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A balancer in front of the nodes: new connections go in turn to the nodes that accept any. */
export interface Gate {
  readonly port: number
  to(ports: readonly number[]): void
  close(): void
}

export async function openGate(): Promise<Gate> {
  let ports: readonly number[] = []
  let turn = 0
  const open = new Set<Socket>()
  const server = createServer((client) => {
    const node = connect(ports[turn++ % ports.length]!, '127.0.0.1')
    for (const [one, other] of [
      [client, node],
      [node, client],
    ] as const) {
      open.add(one)
      one.setNoDelay(true)
      one.on('error', () => undefined)
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  await new Promise<void>((resolve) => void server.listen({ port: 0, host: '127.0.0.1', backlog: 8_192 }, resolve))
  return {
    port: (server.address() as AddressInfo).port,
    to: (given) => void (ports = given),
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

/** A free port. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => void server.close(() => resolve()))
  return port
}
