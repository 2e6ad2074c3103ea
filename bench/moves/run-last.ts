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
  /** In the log: numbered by it, whichever server it was given to. */
  readonly sent: number
  /** Clients that came, one after the other, and what all of them together were given. */
  readonly clients: number
  readonly delivered: number
  readonly lost: number
  /** A second time, or before one that it follows. */
  readonly repeated: number
  readonly gaps: number
  /** Clients that were not given all of the last ones, from the first kept one on. */
  readonly late: number
  readonly took: number
}

const LAST = 50
/** Handovers that each client sees. */
const MOVES = 10

/**
 * Clients that begin with the last 50 messages and go on with what is new, while they are handed over from server to
 * server.
 */
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
    // Whatever came between that and its hello it has as well.
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
