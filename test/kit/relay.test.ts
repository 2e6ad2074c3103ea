import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createRelay, type Relay, type RelayOptions } from './relay.js'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'

let echo: Server
let relay: Relay
const dialled: Socket[] = []

beforeEach(async () => {
  echo = createServer((socket) => {
    socket.on('error', () => {})
    socket.pipe(socket)
  }).listen(0, '127.0.0.1')
  await once(echo, 'listening')
})

afterEach(async () => {
  for (const socket of dialled.splice(0)) socket.destroy()
  await relay.close()
  echo.close()
})

async function start(options: Partial<RelayOptions> = {}): Promise<Relay> {
  relay = createRelay({ target: { port: (echo.address() as AddressInfo).port }, ...options })
  await relay.ready
  return relay
}

function dial() {
  const socket = connect({ port: relay.port, host: '127.0.0.1', noDelay: true })
  dialled.push(socket)
  const got = { text: '', error: '' }
  socket.on('data', (chunk) => void (got.text += String(chunk)))
  socket.on('error', (error: NodeJS.ErrnoException) => void (got.error = error.code ?? ''))
  return { socket, got }
}

/** Resolves at the end of the socket, whatever its cause; `once` would reject at an error. */
const closed = (socket: Socket) => new Promise<void>((done) => void socket.once('close', () => done()))

/** Sends the text and waits until exactly that text has been echoed. */
async function exchange({ socket, got }: ReturnType<typeof dial>, text: string): Promise<void> {
  const before = got.text.length
  socket.write(text)
  while (got.text.length < before + text.length) await once(socket, 'data')
  expect(got.text.slice(before)).toBe(text)
}

it('carries bytes in both directions, in order', async () => {
  await start()
  const leg = dial()
  await exchange(leg, 'one')
  await exchange(leg, 'x'.repeat(2_000_000))
})

it('lets a byte arrive exactly after the dial and its round trip', async () => {
  const clock = createSimulatedClock()
  await start({ delay: 50, clock })
  const delayed = dial()
  await once(delayed.socket, 'connect')
  delayed.socket.write('late')
  while (relay.connections().length < 1) await new Promise(setImmediate)
  const settle = async () => {
    for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  }
  const steps: string[] = []
  // Two round trips for the dial, half a round trip there and half a round trip back.
  for (const ms of [99, 1, 24, 1, 24, 1]) {
    await clock.advance(ms)
    await settle()
    steps.push(delayed.got.text)
  }
  expect(steps).toEqual(['', '', '', '', '', 'late'])
})

it('keeps the order when its delay is lowered under way', async () => {
  const clock = createSimulatedClock()
  await start({ delay: 100, dialRoundTrips: 0, clock })
  const leg = dial()
  const arrived = async (text: string) => {
    for (let turn = 0; turn < 2_000 && leg.got.text !== text; turn++) {
      await new Promise(setImmediate)
      if (turn % 10 === 0) await clock.advance(1)
    }
  }
  await clock.advance(1)
  leg.socket.write('a')
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  relay.setDelay(0, { existing: true })
  leg.socket.write('b')
  await arrived('ab')
  expect(leg.got.text).toBe('ab')
})

it('cuts every connection with a reset', async () => {
  await start()
  const [one, two] = [dial(), dial()]
  await exchange(one, '1')
  await exchange(two, '2')
  expect(relay.cut()).toBe(2)
  await Promise.all([one, two].map(({ socket }) => closed(socket)))
  expect([one.got.error, two.got.error]).toEqual(['ECONNRESET', 'ECONNRESET'])
})

it('a frozen path passes nothing without an error, and what was on its way arrives when it thaws', async () => {
  await start()
  const [frozen, other] = [dial(), dial()]
  await exchange(frozen, '1')
  await exchange(other, '2')
  relay.connections()[0]!.freeze()
  frozen.socket.write('held')
  await exchange(other, 'a'.repeat(100_000))
  expect(frozen.got).toEqual({ text: '1', error: '' })
  relay.connections()[0]!.thaw()
  while (frozen.got.text !== '1held') await once(frozen.socket, 'data')
})

it('a path that is frozen as a whole freezes new connections too', async () => {
  await start()
  relay.freeze()
  const leg = dial()
  await once(leg.socket, 'connect')
  leg.socket.write('held')
  while (relay.connections().length === 0) await new Promise(setImmediate)
  expect(leg.got.text).toBe('')
  relay.thaw()
  while (leg.got.text !== 'held') await once(leg.socket, 'data')
})

it('refuses new connections while the others stay', async () => {
  await start()
  const [before, during, after] = [dial(), () => dial(), () => dial()]
  await exchange(before, '1')
  relay.refuse(true)
  const refused = during()
  await closed(refused.socket)
  expect(refused.got.error).toBe('ECONNRESET')
  await exchange(before, '2')
  relay.refuse(false)
  await exchange(after(), '3')
})

it('passes the end of a connection on, and drops the connection', async () => {
  await start()
  const leg = dial()
  await exchange(leg, 'bye')
  leg.socket.end()
  await closed(leg.socket)
  while (relay.connections().length > 0) await new Promise(setImmediate)
})

it('freezes one direction of a connection, and passes the other', async () => {
  await start()
  const leg = dial()
  await exchange(leg, '1')
  const [way] = relay.connections()
  way!.freeze('down')
  leg.socket.write('held')
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate)
  expect(leg.got.text).toBe('1')
  way!.thaw()
  while (leg.got.text !== '1held') await once(leg.socket, 'data')
})

it('swallows and drops the given number of next connections', async () => {
  await start()
  relay.swallow(1)
  const swallowed = dial()
  await once(swallowed.socket, 'connect')
  swallowed.socket.write('nobody hears this')
  relay.drop(1)
  await closed(dial().socket)
  await exchange(dial(), 'comes through')
  expect(swallowed.got).toEqual({ text: '', error: '' })
})

it('cuts data into slices of the given size, at the given bandwidth', async () => {
  const clock = createSimulatedClock()
  await start({ clock, weather: () => ({ latency: 5, jitter: 0, slice: 2, bandwidth: 1_000 }) })
  const leg = dial()
  await clock.advance(1)
  leg.socket.write('abcdef')
  const came: [string, number][] = []
  while (leg.got.text !== 'abcdef') {
    await clock.advance(1)
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate)
    if (came.at(-1)?.[0] !== leg.got.text) came.push([leg.got.text, clock.monotonic()])
  }
  expect(came.map(([text]) => text)).toEqual(['', 'ab', 'abcd', 'abcdef'])
  expect(came.at(-1)![1]).toBeGreaterThanOrEqual(16)
})
