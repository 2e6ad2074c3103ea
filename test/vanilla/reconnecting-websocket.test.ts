import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { WebSocket } from 'ws'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { LiveWebSocket, type LiveWebSocketOptions, type UrlProvider } from '../../src/vanilla/live-web-socket.js'
import { fakeWebSockets } from '../kit/fake-socket.js'
import { until } from '../server/kit.js'
import { happened, liveWebSocket, serverSide } from './stage.js'

// What the README of reconnecting-websocket 4.4 states, in its order. If something is kept differently, the title says
// so.

describe('the README of reconnecting-websocket', () => {
  it('"will automatically reconnect if the connection is closed", however it was closed', async () => {
    const { url, sockets } = await serverSide()
    const { socket, told } = liveWebSocket(url)
    await happened(socket, 'open')
    sockets[0]!.close(1000, 'bye')
    await happened(socket, 'open')
    sockets[1]!.terminate()
    await happened(socket, 'open')
    expect(told).toEqual(['open', 'close 1000 bye clean', 'open', 'close 1006 ', 'open'])
  })

  it('"multi-platform": an import touches nothing, and a class of one\'s own is the socket', async () => {
    const { url } = await serverSide()
    let made = 0
    class Counted extends WebSocket {
      constructor(...args: ConstructorParameters<typeof WebSocket>) {
        super(...args)
        made++
      }
    }
    const { socket } = liveWebSocket(url, [], { WebSocket: Counted })
    await happened(socket, 'open')
    expect(made).toBe(1)
  })

  it.each([
    ['a string', (url: string) => url],
    ['a function', (url: string) => () => url],
    ['a function that promises', (url: string) => async () => url],
  ])('"the url parameter will be resolved before connecting": %s', async (_name, provide) => {
    const { url } = await serverSide()
    const { socket } = liveWebSocket(provide(url))
    await happened(socket, 'open')
    expect(socket.url).toBe(url)
  })

  it('"allows changing server URL between reconnections"', async () => {
    const [one, two] = [await serverSide(), await serverSide()]
    const urls = [one.url, two.url]
    const { socket } = liveWebSocket(() => urls.shift() ?? two.url)
    await happened(socket, 'open')
    one.sockets[0]!.close()
    await happened(socket, 'open')
    expect([socket.url, two.sockets.length]).toEqual([two.url, 1])
  })

  it('continues after a URL promise that rejects, unlike the original, which stops forever', async () => {
    const { url } = await serverSide()
    let asked = 0
    const { socket, told } = liveWebSocket(
      () => (asked++ === 0 ? Promise.reject(new Error('no')) : Promise.resolve(url)),
      [],
      { maxReconnectionDelay: 1, reconnect: { cap: 0 } },
    )
    await happened(socket, 'open')
    expect(told).toEqual(['error', 'close 1006 ', 'open'])
  })

  it('"buffering: will send accumulated messages on open", in order', async () => {
    const { url, sockets, received } = await serverSide()
    const { socket } = liveWebSocket(url)
    socket.send('1')
    socket.send('2')
    await until(() => received.length === 2, 'the first two')
    sockets[0]!.terminate()
    await happened(socket, 'close')
    socket.send('3')
    await happened(socket, 'open')
    await until(() => received.length === 3, 'all of it')
    expect(received).toEqual(['1', '2', '3'])
  })

  it('"maxEnqueuedMessages", and reports what it could not queue, unlike the original', async () => {
    const { url, received } = await serverSide()
    const { socket, told } = liveWebSocket(url, [], { maxEnqueuedMessages: 1 })
    socket.send('1')
    socket.send('2')
    await happened(socket, 'open')
    await until(() => received.length === 1, 'the first')
    expect([received, told]).toEqual([['1'], ['error', 'open']])
  })

  it('"connectionTimeout: retry connect if not connected after this time"', async () => {
    let dials = 0
    const { url } = await serverSide({ verifyClient: (_info, answer) => (++dials > 1 ? answer(true) : undefined) })
    const { socket, told } = liveWebSocket(url, [], { connectionTimeout: 60, reconnect: { cap: 0 } })
    await happened(socket, 'open')
    expect([told, dials]).toEqual([['error', 'close 1006 ', 'open'], 2])
  })

  it('"maxRetries: maximum number of retries", and is CLOSED then', async () => {
    let dials = 0
    const { url } = await serverSide({ verifyClient: () => ++dials < 0 })
    const { socket } = liveWebSocket(url, [], { maxRetries: 1, reconnect: { cap: 0 } })
    await until(() => socket.readyState === 3, 'closed')
    expect([dials, socket.retryCount]).toEqual([2, 1])
  })

  it('"startClosed: start websocket in CLOSED state, call reconnect() to connect"', async () => {
    const { url, sockets } = await serverSide()
    const { socket } = liveWebSocket(url, [], { startClosed: true })
    expect([socket.readyState, sockets.length]).toEqual([3, 0])
    socket.reconnect()
    await happened(socket, 'open')
    expect(sockets).toHaveLength(1)
  })

  it('"reconnect: closes the connection or connection attempt and connects again; resets retry counter"', async () => {
    const { url, closes } = await serverSide()
    const { socket, told } = liveWebSocket(url)
    await happened(socket, 'open')
    socket.reconnect(4000, 'again')
    expect(socket.retryCount).toBe(0)
    await happened(socket, 'open')
    await until(() => closes.length === 1, 'the close')
    expect([told, closes]).toEqual([['open', 'close 4000 again clean', 'open'], [{ code: 4000, reason: 'again' }]])
  })

  it('reconnects after maxRetries and after close(), unlike the original, which does nothing', async () => {
    let open = false
    const { url } = await serverSide({ verifyClient: () => open })
    const { socket } = liveWebSocket(url, [], { maxRetries: 0 })
    await until(() => socket.readyState === 3, 'closed')
    open = true
    socket.reconnect()
    await happened(socket, 'open')
    socket.close()
    await happened(socket, 'close')
    socket.reconnect()
    await happened(socket, 'open')
  })

  it('"retryCount" counts connections since one was stable ("minUptime"), and starts over with the next', async () => {
    const { url, sockets } = await serverSide()
    const { socket } = liveWebSocket(url, [], { minUptime: 100 })
    await happened(socket, 'open')
    sockets[0]!.terminate()
    await happened(socket, 'open')
    expect(socket.retryCount).toBe(1)
    await until(() => socket.retryCount === 0, 'stable')
  })

  it('"debug: enables debug output"', async () => {
    const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
    inertDebug().dispatchEvent(new Event('open'))
    expect(log.mock.calls[0]!.slice(0, 2)).toEqual(['LiveWebSocket>', 'open'])
    log.mockRestore()
  })

  it('"round robin url provider": asks for a URL before each connection, and shows that of the last one', async () => {
    const { socket, clock, sockets } = simulated({}, urls('ws://one/', 'ws://two/', 'ws://three/'))
    for (const [at, url] of ['ws://one/', 'ws://two/', 'ws://three/', 'ws://one/'].entries()) {
      await clock.flush()
      expect([sockets[at]!.url, socket.url]).toEqual([url, url])
      sockets[at]!.open()
      sockets[at]!.end(1006)
      await clock.advance(250)
    }
  })

  it.each<[string, LiveWebSocketOptions, number, number]>([
    [
      '"minReconnectionDelay" as the window that the first delay is drawn from, behind a quarter of a second',
      { minReconnectionDelay: 2_000 },
      250,
      2_250,
    ],
    ['which is five seconds wide by default', {}, 250, 5_250],
  ])('takes %s', async (_name, options, least, most) => {
    for (const [draw, delay] of [
      [0, least],
      [1, most],
    ] as const) {
      const { clock, sockets } = simulated({ ...options, environment: { random: () => draw } })
      await clock.flush()
      sockets[0]!.open()
      await clock.flush()
      sockets[0]!.end(1006)
      await clock.advance(delay - 1)
      expect(sockets).toHaveLength(1)
      await clock.advance(1)
      expect(sockets).toHaveLength(2)
    }
  })

  it.each<[string, LiveWebSocketOptions, number]>([
    [
      '"maxReconnectionDelay" as the widest window',
      { minReconnectionDelay: 1_000, maxReconnectionDelay: 3_000 },
      3_250,
    ],
    ['which is ten seconds wide by default', {}, 10_250],
    [
      'and no heed of "reconnectionDelayGrowFactor": the window doubles',
      { minReconnectionDelay: 1_000, reconnectionDelayGrowFactor: 50, maxReconnectionDelay: 2_000 },
      2_250,
    ],
  ])('takes %s', async (_name, options, most) => {
    const { clock, sockets } = simulated({ ...options, environment: { random: () => 1 } })
    for (let dial = 1; dial <= 6; dial++) {
      while (sockets.length < dial) await clock.advance(250)
      sockets[dial - 1]!.end(1006)
    }
    await clock.advance(most - 1)
    expect(sockets).toHaveLength(6)
    await clock.advance(1)
    expect(sockets).toHaveLength(7)
  })

  it('has the other defaults: connectionTimeout 4 s, minUptime 5 s, and a queue of 1,000 messages instead of Infinity', async () => {
    const { socket, told, clock, sockets } = simulated({ minReconnectionDelay: 0 })
    for (let count = 0; count <= 1_000; count++) socket.send('x')
    await clock.flush()
    expect(told).toEqual(['error'])
    await clock.advance(3_999)
    expect(told).toHaveLength(1)
    await clock.advance(1)
    expect(told).toEqual(['error', 'error', 'close'])
    await clock.advance(1_000)
    sockets[1]!.open()
    expect(socket.retryCount).toBe(1)
    await clock.advance(4_999)
    expect(socket.retryCount).toBe(1)
    await clock.advance(1)
    expect([socket.retryCount, sockets[1]!.sent]).toEqual([0, Array.from({ length: 1_000 }, () => 'x')])
  })
})

const urls = (...all: string[]) => {
  let at = 0
  return () => all[at++ % all.length]!
}

/** A socket on a clock that the test advances. */
function simulated(options: LiveWebSocketOptions = {}, url: UrlProvider = 'ws://h/') {
  const clock = createSimulatedClock()
  const { WebSocket: Fake, sockets } = fakeWebSockets()
  const socket = new LiveWebSocket(url, [], {
    ...options,
    environment: { random: () => 0, ...options.environment, WebSocket: Fake, clock },
  })
  const told: string[] = []
  for (const type of ['open', 'error', 'close']) socket.addEventListener(type, () => told.push(type))
  onTestFinished(() => socket.close())
  return { socket, told, clock, sockets }
}

function inertDebug() {
  return new LiveWebSocket('ws://h', [], { startClosed: true, debug: true })
}
