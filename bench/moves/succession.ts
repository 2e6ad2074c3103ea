import { createLiveServer, memoryLog, type LiveServer, type LiveServerOptions } from 'livesocket/server'

/** Servers on one log, each of which replaces the one before it. */
export interface Succession {
  /** The URL of the present server. */
  url(): string
  server(): LiveServer
  /**
   * Starts the next server, and the present one asks its clients to hand over. Resolves when all clients have, with how
   * many were cut off.
   */
  next(): Promise<number>
  close(): Promise<void>
}

export async function startSuccession(
  options: Pick<LiveServerOptions, 'onRequest' | 'limits'> & { readonly history?: number },
): Promise<Succession> {
  const { history = 5_000, ...rest } = options
  const log = memoryLog({ history: { maxMessages: history } })
  const start = async () => {
    const server = createLiveServer({
      port: 0,
      host: '127.0.0.1',
      log,
      authenticate: () => ({ subject: 'mover' }),
      authorize: () => true,
      ...rest,
    })
    await server.ready
    return server as LiveServer
  }
  let present = await start()
  return {
    url: () => present.address(),
    server: () => present,
    async next() {
      const old = present
      present = await start()
      const { forced } = await old.drain({ rate: 100_000, deadline: 10_000 })
      await old.close()
      return forced
    },
    async close() {
      await present.close()
      await log.close()
    },
  }
}
