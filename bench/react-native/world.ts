import { createServer, type Server as Http } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import type * as Server from '../../src/server/index.js'

/** The server half of the package, as packed and installed. */
export type Half = Pick<typeof Server, 'createLiveServer' | 'memoryLog'>

/** The servers that an app meets, and what happens to them. */
export interface World {
  readonly url: string
  /** Another server with the same log and another origin. */
  readonly other: string
  /** Nothing listens there until `listenLater`. */
  readonly later: string
  /** Dials there hang for half a second. */
  readonly hung: string
  /** Sends back every message. */
  readonly echo: string
  /** Starts servers without history and without connections. */
  begin(): Promise<void>
  /** Publishes `count` numbers to `news`, beginning after `after`. */
  publish(count: number, after?: number): Promise<void>
  /** Replaces the server `count` times in a row while it publishes numbers. Resolves with how many it published. */
  moves(count: number): Promise<number>
  /** Replaces the server, which sends its clients to `other`. Resolves with where they are then. */
  sendElsewhere(): Promise<'here' | 'other' | 'nowhere'>
  listenLater(): Promise<void>
  /** Ends the connections without a close frame. */
  kill(): void
  /** How many clients are connected, including hung dials. */
  legs(): number
  close(): Promise<void>
}

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export async function createWorld({ createLiveServer, memoryLog }: Half): Promise<World> {
  const streams = new Set<Duplex>()
  const https: Http[] = []
  let log = memoryLog()
  const create = () =>
    createLiveServer({
      noServer: true,
      log,
      authenticate: ({ token }) =>
        token === undefined || token === 'right' ? { subject: 'ann', tokenTtl: 600_000 } : null,
      authorize: () => true,
    })
  let [live, other] = [create(), create()]

  async function serve(upgrade: (...how: Parameters<typeof live.upgrade>) => unknown, port = 0) {
    const http = createServer().on('upgrade', (request, stream, head) => {
      streams.add(stream)
      stream.on('error', () => undefined).on('close', () => streams.delete(stream))
      upgrade(request, stream, head)
    })
    https.push(http)
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve))
    return `ws://127.0.0.1:${(http.address() as AddressInfo).port}/`
  }
  const echoes = new WebSocketServer({ noServer: true })
  const url = await serve((...how) => live.upgrade(...how))
  const places = {
    url,
    other: await serve((...how) => other.upgrade(...how)),
    hung: await serve((...how) => setTimeout(() => echoes.handleUpgrade(...how, () => undefined), 500)),
    echo: await serve((...how) =>
      echoes.handleUpgrade(...how, (ws) => ws.on('message', (data, binary) => ws.send(data, { binary }))),
    ),
    later: await serve(() => undefined),
  }
  const { port } = new URL(places.later)
  await new Promise((resolve) => https.pop()!.close(resolve))

  async function publish(count: number, after = 0) {
    for (let n = after + 1; n <= after + count; n++) await live.publish('news', n)
  }
  async function replace(how: Server.DrainOptions) {
    const old = live
    live = create()
    await old.drain({ deadline: 10_000, ...how })
    await old.close()
  }
  return {
    ...places,
    publish,
    async begin() {
      for (const stream of streams) stream.destroy()
      await Promise.all([live.close(), other.close()])
      log = memoryLog()
      ;[live, other] = [create(), create()]
    },
    async moves(count) {
      let [sent, over] = [0, false]
      const telling = (async () => {
        for (; !over; await sleep(2)) await publish(1, sent++)
      })()
      for (let move = 0; move < count; move++) await replace({})
      over = true
      await telling
      return sent
    },
    async sendElsewhere() {
      await replace({ url: places.other })
      return other.stats().legs > 0 ? 'other' : live.stats().legs > 0 ? 'here' : 'nowhere'
    },
    async listenLater() {
      await serve((...how) => live.upgrade(...how), Number(port))
    },
    kill() {
      for (const stream of streams) stream.destroy()
    },
    legs: () => streams.size,
    async close() {
      await Promise.all([live.close(), other.close()])
      for (const stream of streams) stream.destroy()
      for (const http of https) http.close()
    },
  }
}
