import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { initTRPC, tracked } from '@trpc/server'
import { applyWSSHandler } from '@trpc/server/adapters/ws'
import { WebSocketServer } from 'ws'
import { trpc } from '../../../src/presets/trpc.js'
import { numberLog } from './number-log.js'
import { atPort, type ForeignServer } from './server.js'

/** `@trpc/server`: tracked data, identified by its id. */
export async function start(): Promise<ForeignServer> {
  const t = initTRPC.create()
  const log = numberLog()
  const router = t.router({
    ticks: t.procedure
      .input((input) => input as { lastEventId?: string } | undefined)
      .subscription(async function* ({ input, signal }) {
        const from = input?.lastEventId === undefined ? undefined : Number(input.lastEventId)
        for await (const number of log.follow(from, signal)) yield tracked(String(number), { number })
      }),
  })
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(wss, 'listening')
  const handler = applyWSSHandler({ wss, router })
  return {
    port: (wss.address() as AddressInfo).port,
    url: atPort,
    protocol: trpc(),
    topic: 'ticks',
    numberIn: (data) => (data as { number: number }).number,
    tell: log.tell,
    askToMove: () => handler.broadcastReconnectNotification(),
    async close() {
      log.end()
      for (const client of wss.clients) client.terminate()
      wss.close()
    },
  }
}
