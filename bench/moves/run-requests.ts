import { createLiveSocket, type LiveSocketError } from 'livesocket'
import { WebSocket } from 'ws'
import { systemClock } from '../../src/base/clock.js'
import { sleep, until } from '../../test/kit/wait.js'
import { startSuccession } from './succession.js'

export interface RequestsResult {
  readonly moves: number
  readonly cutOff: number
  readonly asked: number
  readonly answered: number
  /** Requests that settled as outcome-unknown, and as refused. */
  readonly unknown: number
  readonly refused: number
  /** Requests that got the answer to another request, and requests that settled twice. */
  readonly wrong: number
  readonly again: number
  /** Requests that are not idempotent and whose handler ran a second time. */
  readonly appliedTwice: number
  /**
   * Milliseconds until the answer: for quick requests 99 % and the longest, for requests that take `SLOW` the longest.
   */
  readonly quick: { readonly most: number; readonly longest: number }
  readonly slow: { readonly longest: number }
  /** How often the client was not live. */
  readonly notLive: number
  readonly took: number
}

/** How long the handler of every tenth request takes, ms. */
export const SLOW = 300

/** One client makes requests, `atATime` at once, while it hands over from server to server. */
export async function runRequests(moves: number, atATime: number): Promise<RequestsResult> {
  const applied = new Set<number>()
  const result = {
    moves: 0,
    cutOff: 0,
    asked: 0,
    answered: 0,
    unknown: 0,
    refused: 0,
    wrong: 0,
    again: 0,
    appliedTwice: 0,
    quick: { most: 0, longest: 0 },
    slow: { longest: 0 },
    notLive: 0,
    took: 0,
  }
  const succession = await startSuccession({
    // A program asks faster than any user.
    limits: { messagesPerSecond: 1_000_000, messageBurst: 1_000_000 },
    onRequest: {
      async take({ data }) {
        const { n, slow } = data as { n: number; slow: boolean }
        if (applied.has(n)) result.appliedTwice++
        applied.add(n)
        if (slow) await sleep(SLOW)
        return n
      },
    },
  })
  const socket = createLiveSocket({
    url: succession.url,
    handover: { dwell: 0 },
    environment: { WebSocket: WebSocket as never },
  })
  socket.on('cutover', () => void result.moves++)
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 10_000, 'the client to be live')
  let going = true
  socket.store.subscribe(({ status }) => void (going && status !== 'live' && result.notLive++))

  const tookQuick: number[] = []
  async function ask(slow: boolean) {
    while (going) {
      const n = ++result.asked
      const from = systemClock.monotonic()
      let settled = 0
      const settle = (count: () => void) => (settled++ > 0 ? void result.again++ : count())
      const kind = slow ? 'slow' : 'quick'
      await socket.request('take', { n, slow }).then(
        (answer) =>
          settle(() => {
            result.answered++
            if (answer !== n) result.wrong++
            const took = systemClock.monotonic() - from
            result[kind].longest = Math.max(result[kind].longest, took)
            if (!slow) tookQuick.push(took)
          }),
        (error: LiveSocketError) =>
          settle(() => void (error.code === 'outcome-unknown' ? result.unknown++ : result.refused++)),
      )
      // Without the pause one of the workers would keep the event loop for itself.
      if (!slow) await sleep(5)
    }
  }

  const begun = systemClock.monotonic()
  const askers = Array.from({ length: atATime }, (_, at) => ask(at % 10 === 0))
  for (let move = 0; move < moves; move++) result.cutOff += await succession.next()
  going = false
  await Promise.all(askers)
  tookQuick.sort((a, b) => a - b)
  result.quick.most = tookQuick[Math.floor(tookQuick.length * 0.99)] ?? 0
  result.took = systemClock.monotonic() - begun
  socket.close()
  await succession.close()
  return result
}
