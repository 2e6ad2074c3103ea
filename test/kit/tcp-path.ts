import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** A way to a port of this machine that can be cut, mended, and led elsewhere. */
export interface TcpPath {
  readonly port: number
  /** Everybody on it is cut off, and nobody comes through. */
  cut(): void
  mend(): void
  /** Whoever comes from now on is led there. */
  leadTo(port: number): void
  close(): void
}

export async function tcpPath(to: number): Promise<TcpPath> {
  const sockets = new Set<Socket>()
  let target = to
  let whole = true
  const server = createServer((near) => {
    if (!whole) return void near.destroy()
    const far = connect(target, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const cut = () => {
    whole = false
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    mend: () => void (whole = true),
    leadTo: (port) => void (target = port),
    close() {
      cut()
      server.close()
    },
  }
}
