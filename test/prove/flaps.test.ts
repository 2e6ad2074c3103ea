import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { createLiveSocket } from '../../src/index.js'
import { seededRandom } from '../kit/seeded-random.js'
import { takeOverTimers } from './machine.js'
import { ModelLog } from './model-log.js'
import { ModelServer } from './model-server.js'
import { WorldPage } from './page.js'
import { createTokenService } from './token-service.js'
import { createWorldSocket, type Connection } from './wire.js'
import { createWorldClock } from './world-clock.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const FLAPS = 10_000
/** Flaps that do not count, because code is compiled during them. */
const FIRST = 2_000
/** Bytes: 250 a flap, for the log and compiled code. A leaked leg takes 5,000. */
const MOST_GROWTH = 2_000_000

it('after ten thousand lost connections a client holds no more timers, listeners, sockets and heap than before, and has lost nothing', {
  timeout: 60_000,
}, async () => {
  const clock = createWorldClock()
  let ticks = 0
  const log = new ModelLog()
  const page = new WorldPage()
  const tokens = createTokenService(clock, 120_000, () => ++ticks)
  let connections: Connection[] = []
  const server = new ModelServer({
    name: 'A',
    url: 'wss://a.test/live',
    topic: 'room',
    clock,
    log,
    newestLegs: new Map(),
    heartbeat: 10_000,
    tokenValid: (token) => tokens.valid(token),
    tokenTtl: (token) => tokens.left(token),
    broken(rule) {
      throw new Error(rule)
    },
  })
  const socket = createLiveSocket<{ room: number }>({
    url: server.url,
    getToken: tokens.ask,
    debug: false,
    environment: {
      clock,
      random: seededRandom(1),
      ...page.sensors,
      WebSocket: createWorldSocket({
        serverAt: () => server,
        cut: false,
        dialled: (connection) => void connections.push(connection),
        arriving: () => {},
        sent: () => {},
        tick: () => ++ticks,
        legs: 0,
      }),
    },
  })
  let at = 0
  let wrong = 0
  let acknowledged = 0
  socket.subscribe('room', (number) => {
    if (number !== ++at) wrong++
  })

  const machine = takeOverTimers()
  async function quiet() {
    do await machine.turn()
    while (clock.runDue())
  }
  /** Delivers everything, and advances time until the client is live and has everything that was published. */
  async function live() {
    for (;;) {
      await quiet()
      while (server.behind) server.readOn()
      const queues = [tokens.asked, tokens.answered, ...connections.flatMap(({ up, down }) => [up, down])]
      const queue = queues.find(({ items }) => items.length > 0)
      if (queue) queue.arrive()
      else if (socket.store.getState().status === 'live' && at === log.head) return
      else clock.runNext()
    }
  }
  async function flap(times: number) {
    for (let left = times; left > 0; left--) {
      connections.find(({ sound }) => sound)!.reset()
      // In one of twenty flaps something new is on its way.
      if (left % 20 === 0) socket.publish('room', log.head + 1).then(() => void acknowledged++)
      await live()
      connections = connections.filter(({ over }) => !over)
    }
  }
  function held() {
    collect()
    return {
      timers: clock.pending(),
      listeners: page.listeners,
      sockets: connections.length,
      heap: process.memoryUsage().heapUsed,
    }
  }

  machine.timers(clock)
  try {
    socket.connect()
    await live()
    await flap(FIRST)
    const before = held()
    await flap(FLAPS - FIRST)
    const { heap, ...after } = held()
    expect(after).toEqual({ timers: before.timers, listeners: before.listeners, sockets: 1 })
    expect(heap - before.heap).toBeLessThan(MOST_GROWTH)
    expect(socket.stats()).toMatchObject({ reconnects: FLAPS, gaps: 0 })
    expect({ at, wrong, acknowledged }).toEqual({ at: log.head, wrong: 0, acknowledged: FLAPS / 20 })
  } finally {
    socket.close()
    machine.timers(null)
  }
})
