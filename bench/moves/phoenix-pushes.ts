import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { phoenix } from '../../src/presets/phoenix.js'
import { createLiveSocket } from '../../src/socket/whole-socket.js'
import { seededRandom } from '../../src/testing/seeded-random.js'
import { sleep, until } from '../../test/kit/wait.js'

type Frame = [string | null, string | null, string, string, unknown]

export interface PhoenixPushes {
  readonly moves: number
  readonly cuts: number
  readonly pushes: number
  /** Pushes that settled as answered, and as `outcome-unknown`. */
  readonly answered: number
  readonly unknown: number
  /** Pushes that settled otherwise, or never. */
  readonly otherwise: number
  /** Pushes that settled as answered although the server handled them never or more than once. */
  readonly untrue: number
  /** Pushes that the server handled more than once, whatever their outcome. */
  readonly twice: number
}

/** Milliseconds after which a channel replies to a push. null: never, as with `{:noreply, socket}`. */
const REPLIES = [0, 20, 300, null]
const ACK_TIMEOUT = 1_000
/** The interval between two pushes, ms. */
const EVERY = 20

/**
 * A client pushes to a stand-in for Phoenix that replies at once, late or never. Meanwhile the client hands over and is
 * cut off again and again. Phoenix does not detect repeats, so it must handle each push at most once.
 */
export async function phoenixPushes(moves: number, cuts: number): Promise<PhoenixPushes> {
  const handled = new Map<number, number>()
  const wss = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(wss, 'listening')
  wss.on('connection', (socket) => {
    socket.on('message', (text: Buffer) => {
      const [joinRef, ref, topic, event, payload] = JSON.parse(String(text)) as Frame
      const reply = () =>
        socket.send(JSON.stringify([joinRef, ref, topic, 'phx_reply', { status: 'ok', response: {} }]))
      if (event !== 'pay') return reply()
      const { id } = payload as { id: number }
      handled.set(id, (handled.get(id) ?? 0) + 1)
      const after = REPLIES[id % REPLIES.length]
      if (after !== null) setTimeout(reply, after)
    })
  })
  const socket = createLiveSocket({
    url: `ws://127.0.0.1:${(wss.address() as AddressInfo).port}/`,
    protocol: phoenix({ leastOverlap: 50 }),
    handover: { dwell: 0 },
    outbox: { ackTimeout: ACK_TIMEOUT },
    reconnect: { spread: 100 },
    environment: { WebSocket },
    debug: false,
  })
  const random = seededRandom(1)
  const fates = new Map<number, string>()
  let pushed = 0
  socket.subscribe('room:1', () => undefined)
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 10_000, 'live')
  const pushing = setInterval(() => {
    const id = pushed++
    socket.publish('room:1', { event: 'pay', payload: { id } }).then(
      () => fates.set(id, 'answered'),
      ({ code }: { code: string }) => fates.set(id, code),
    )
  }, EVERY)
  try {
    for (let turn = 1, done = 0; turn <= moves + cuts; turn++) {
      for (const client of wss.clients) client.send('[null,null,"room:1","reconnect",{"deadline":20000}]')
      // Cuts come in the middle of some of the handovers.
      if (done < cuts && turn % Math.floor(1 + moves / cuts) === 0) {
        done++
        await sleep(random() * 60)
        for (const client of wss.clients) client.terminate()
      }
      const before = turn
      await until(
        () =>
          socket.stats().handovers + socket.stats().reconnects >= before && socket.store.getState().status === 'live',
        15_000,
        `handover ${turn}`,
      )
      await sleep(random() * 100)
    }
    clearInterval(pushing)
    await until(() => fates.size === pushed, ACK_TIMEOUT + 10_000, 'every push settled').catch(() => undefined)
    const all = [...fates]
    const of = (fate: string) => all.filter(([, told]) => told === fate)
    return {
      moves: socket.stats().handovers,
      cuts: socket.stats().reconnects,
      pushes: pushed,
      answered: of('answered').length,
      unknown: of('outcome-unknown').length,
      otherwise: pushed - of('answered').length - of('outcome-unknown').length,
      untrue: of('answered').filter(([id]) => handled.get(id) !== 1).length,
      twice: [...handled.values()].filter((times) => times > 1).length,
    }
  } finally {
    clearInterval(pushing)
    socket.close()
    for (const client of wss.clients) client.terminate()
    wss.close()
  }
}
