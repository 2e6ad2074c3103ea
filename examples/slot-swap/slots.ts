import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { freePort } from '../../test/kit/free-port.js'

export const SECRET = 'a secret of this swap alone'

/** A process of the application. */
export interface Slot {
  readonly port: number
  readonly release: string
  post(path: string, body?: object): Promise<Response>
  /** Sends SIGTERM and resolves when the process has ended. */
  stop(): Promise<void>
  kill(): void
}

export interface SlotSetup {
  readonly program: string
  readonly redis: string
  readonly scripts: string
  /** The address of the front. If absent, the slot does not check who answers there. */
  readonly address?: string
}

export async function startSlot(release: string, { program, redis, scripts, address }: SlotSetup): Promise<Slot> {
  const port = await freePort()
  const child = spawn('dotnet', [program, '--urls', `http://127.0.0.1:${port}`], {
    env: {
      ...process.env,
      REDIS: redis,
      REDIS_SCRIPTS: scripts,
      RELEASE: release,
      DRAIN_SECRET: SECRET,
      // Clients have been asked to hand over by then.
      DEADLINE: '500',
      ...(address !== undefined && { PUBLIC_URL: `${address}/healthz`, ASK_EVERY: '100' }),
      Logging__LogLevel__Default: 'Error',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const gone = once(child, 'exit')
  const kill = () => void child.kill('SIGKILL')
  process.on('exit', kill)
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (text: Buffer) => String(text).includes('listening on') && resolve())
    void gone.then(([code]) => reject(new Error(`the slot ${release} ended with ${String(code)}`)))
  })
  return {
    port,
    release,
    post: (path, body) =>
      fetch(`http://127.0.0.1:${port}${path}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${SECRET}`, 'content-type': 'application/json' },
        ...(body && { body: JSON.stringify(body) }),
      }),
    async stop() {
      child.kill('SIGTERM')
      await gone
      process.off('exit', kill)
    },
    kill,
  }
}

/**
 * The front of the slots. It swaps them as Azure's front does: new requests go to the new slot at once, and open
 * WebSockets stay on the old one.
 */
export async function startFront(first: Slot) {
  let to = first
  const open = new Set<Socket>()
  const http = createServer((asked, answer) => {
    const { method, url, headers } = asked
    const forward = request({ port: to.port, method, path: url, headers, agent: false }, (given) => {
      answer.writeHead(given.statusCode!, given.headers)
      given.pipe(answer)
    })
    forward.on('error', () => answer.destroy())
    asked.pipe(forward)
  })
  http.on('upgrade', ({ method, url, rawHeaders }, client: Socket, head) => {
    const slot = connect(to.port, '127.0.0.1')
    const pairs = Array.from({ length: rawHeaders.length / 2 }, (_, at) =>
      rawHeaders.slice(2 * at, 2 * at + 2).join(': '),
    )
    slot.write(`${[`${method} ${url} HTTP/1.1`, ...pairs].join('\r\n')}\r\n\r\n`)
    slot.write(head)
    for (const [one, other] of [
      [client, slot],
      [slot, client],
    ] as const) {
      one.pipe(other)
      open.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  return {
    address: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    swap: (slot: Slot) => void (to = slot),
    close() {
      for (const socket of open) socket.destroy()
      http.close()
    },
  }
}
