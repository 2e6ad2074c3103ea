import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/base/clock.js'
import { createLiveServer, type LiveServer, type LiveServerOptions } from '../../src/server/index.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { rawClient, type RawClient } from '../kit/raw-client.js'

export interface TestServer<User> extends LiveServer<User> {
  client(options?: Parameters<typeof rawClient>[1]): Promise<RawClient>
  /** Connects, says hello, and is welcomed. */
  join(hello?: object): Promise<RawClient>
  /** What the functions of the server's options threw. */
  readonly errors: unknown[]
}

/** A server on a free port that accepts every client and allows everything. It is closed after the test. */
export async function liveServer<User = { subject?: string }>(
  options: Partial<LiveServerOptions<User>> = {},
): Promise<TestServer<User>> {
  const errors: unknown[] = []
  const server = createLiveServer<User>({
    ...(options.server || options.noServer ? undefined : { port: 0, host: '127.0.0.1' }),
    authenticate: () => ({ subject: 'anybody' }) as User,
    authorize: () => true,
    onError: (error) => errors.push(error),
    ...options,
  })
  await server.ready
  const clients: RawClient[] = []
  onTestFinished(async () => {
    for (const { ws } of clients) ws.terminate()
    await server.close()
  })
  const client = async (given?: Parameters<typeof rawClient>[1]) => {
    const connected = await rawClient(server.address(), given)
    clients.push(connected)
    return connected
  }
  return Object.assign(server, {
    client,
    async join(hello?: object) {
      const connected = await client()
      await connected.hello(hello)
      return connected
    },
    errors,
  })
}

/** Resolves as soon as `holds` does. Real sockets give no notice, so it checks in each turn of the event loop. */
export async function until(holds: () => boolean, what: string): Promise<void> {
  const from = performance.now()
  while (!holds()) {
    if (performance.now() - from > 20_000) throw new Error(`never: ${what}`)
    await new Promise<void>((resolve) => void setImmediate(resolve))
  }
}

/** Resolves when the number has not changed for as long as the system's buffers may take. */
export async function still(read: () => number): Promise<void> {
  let last = read()
  for (let same = 0; same < 500; same++) {
    await new Promise<void>((resolve) => void setImmediate(resolve))
    if (read() !== last) same = 0
    last = read()
  }
}

export { createSimulatedClock, type Clock }
