import { createLiveSocket } from 'livesocket'
import { WebSocket } from 'ws'
import { startPublisher } from '../../test/kit/publisher.js'
import { systemClock } from '../../src/base/clock.js'
import { keepBooks } from '../../test/kit/books.js'
import { sleep, until } from '../../test/kit/wait.js'
import { startSuccession } from './succession.js'

export interface LastResult {
  readonly moves: number
  readonly cutOff: number
  /** Messages in the log, which numbers them, whichever server they were published to. */
  readonly sent: number
  /** How many clients connected, one after the other, and how many messages all of them received. */
  readonly clients: number
  readonly delivered: number
  readonly lost: number
  /** Messages that arrived a second time, or after a later one. */
  readonly repeated: number
  readonly gaps: number
  /** Clients that did not receive all of the last messages. */
  readonly late: number
  readonly took: number
}

const LAST = 50
/** How many handovers each client goes through. */
const MOVES = 10

/** Clients begin with the last 50 messages and continue with new ones, while they hand over from server to server. */
export async function runLast(moves: number, rate: number): Promise<LastResult> {
  const succession = await startSuccession({ history: 20_000 })
  const result = {
    moves: 0,
    cutOff: 0,
    sent: 0,
    clients: 0,
    delivered: 0,
    lost: 0,
    repeated: 0,
    gaps: 0,
    late: 0,
    took: 0,
  }
  const begun = systemClock.monotonic()
  const publisher = startPublisher({
    name: 'feed',
    rate,
    send: ({ n }) =>
      void succession
        .server()
        .publish('feed', n)
        .then(({ offset }) => void (result.sent = Math.max(result.sent, offset))),
  })
  await until(() => result.sent > 2 * LAST, 10_000, 'the first messages')

  for (let left = moves; left > 0; left -= MOVES) {
    const socket = createLiveSocket({
      url: succession.url,
      handover: { dwell: 0 },
      environment: { WebSocket: WebSocket as never },
    })
    const books = keepBooks(socket, () => systemClock.monotonic())
    const { account } = books
    socket.on('cutover', () => void result.moves++)
    socket.subscribe('feed', (_data, { offset }) => books.arrived(offset), { from: { last: LAST } })
    const known = result.sent
    socket.connect()
    result.clients++
    await until(() => account.newest > known, 10_000, 'the client to be live')
    // The client must also have received the messages that came between that moment and its hello.
    if (account.first! > result.sent - LAST + 1 || account.newest < known) result.late++
    for (let move = 0; move < Math.min(MOVES, left); move++) result.cutOff += await succession.next()
    const last = result.sent
    await until(() => account.newest >= last, 10_000, 'the last of its messages')
    socket.close()
    result.delivered += account.delivered
    result.lost += account.lost(last)
    result.repeated += account.repeated + account.reordered
    result.gaps += books.gaps.length
  }
  publisher.stop()
  await sleep(100)
  result.took = systemClock.monotonic() - begun
  await succession.close()
  return result
}
