import { Centrifuge } from 'centrifuge'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { centrifuge, type CentrifugePublication } from '../../src/presets/centrifuge.js'
import { until } from '../server/kit.js'
import { centrifugoHistory, centrifugoNode } from './centrifugo.js'
import { oneToLast, speaking } from './stage.js'

const dataOf = (seen: readonly unknown[]) => seen.map((pub) => (pub as CentrifugePublication).data as number)

/** Publishes the next number every 2 ms. */
function publishing(history: ReturnType<typeof centrifugoHistory>, channel = 'news') {
  let sent = 0
  const timer = setInterval(() => history.publish(channel, ++sent), 2)
  const stop = () => clearInterval(timer)
  onTestFinished(stop)
  return { stop, sent: () => sent }
}

it('loses, repeats and reorders nothing in handovers between two nodes, as the centrifuge client receives them from the same nodes', async () => {
  const history = centrifugoHistory()
  const nodes = [await centrifugoNode('blue', history), await centrifugoNode('green', history)]
  const stock = new Centrifuge(nodes[0]!.url, { websocket: WebSocket })
  onTestFinished(() => stock.disconnect())
  const theirs: number[] = []
  const subscription = stock.newSubscription('news', { recoverable: true })
  subscription.on('publication', ({ data }) => theirs.push(data as number))
  subscription.subscribe()
  stock.connect()
  await stock.ready()
  let dials = 0
  const { socket, seen, invalid } = speaking(() => nodes[dials++ % 2]!.url, centrifuge({ handover: 'moves' })).follow(
    'news',
  )
  socket.connect()
  await until(() => socket.store.getState().leg?.server === 'blue', 'live')
  const publisher = publishing(history)
  for (let move = 1; move <= 20; move++) {
    await stock.publish('moves', { node: ['green', 'blue'][move % 2], deadline: 20_000 })
    await until(() => socket.stats().handovers === move, `handover ${move}`)
  }
  publisher.stop()
  await until(() => dataOf(seen).at(-1) === publisher.sent() && theirs.at(-1) === publisher.sent(), 'the last')
  expect(dataOf(seen)).toEqual(oneToLast(dataOf(seen)))
  expect([dataOf(seen).length, theirs.length, invalid]).toEqual([publisher.sent(), publisher.sent(), []])
})

it('loses nothing over a break, and reports exactly what the history has dropped', async () => {
  const history = centrifugoHistory()
  const node = await centrifugoNode('blue', history)
  const { socket, seen } = speaking(node.url, centrifuge(), {
    reconnect: { spread: 0 },
    environment: { WebSocket, random: () => 0 },
  }).follow('news')
  const gaps: unknown[] = []
  socket.on('gap', ({ epoch, from, to, reason }) => gaps.push({ epoch, from, to, reason }))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  const publish = (count: number) => {
    for (let left = count; left > 0; left--) history.publish('news', history.of('news').top + 1)
  }
  const cut = async () => {
    node.sockets.at(-1)!.terminate()
    await until(() => socket.store.getState().status === 'reconnecting', 'the break')
  }
  publish(3)
  await until(() => seen.length === 3, 'some')
  await cut()
  publish(3)
  await until(() => seen.length === 6, 'what was missed')
  await cut()
  publish(4)
  history.of('news').kept.splice(0, 9)
  await until(() => socket.store.getState().status === 'live', 'live again')
  publish(1)
  await until(() => dataOf(seen).at(-1) === 11, 'what came after')
  expect(dataOf(seen)).toEqual([1, 2, 3, 4, 5, 6, 11])
  expect(gaps).toEqual([{ epoch: 'e1', from: 7, to: 10, reason: 'lost' }])
  await cut()
  Object.assign(history.of('news'), { epoch: 'e2', top: 0, kept: [] })
  await until(() => socket.store.getState().status === 'live', 'live in another epoch')
  publish(1)
  await until(() => dataOf(seen).at(-1) === 1, 'the first of another epoch')
  expect(gaps.slice(1)).toEqual([{ epoch: 'e2', from: null, to: null, reason: 'epoch' }])
})

it('delivers messages without an offset in the order of the newest connection', async () => {
  const history = centrifugoHistory()
  const node = await centrifugoNode('blue', history, { positioned: false })
  const { socket, seen } = speaking(node.url, centrifuge(), { reconnect: { spread: 0 } }).follow('news')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  history.publish('news', 1)
  await until(() => seen.length === 1, 'the first')
  await socket.handover()
  await until(() => socket.stats().handovers === 1, 'the handover')
  history.publish('news', 2)
  await until(() => seen.length === 2, 'the second')
  node.sockets.at(-1)!.terminate()
  await until(() => socket.stats().reconnects === 1, 'the break')
  history.publish('news', 3)
  await until(() => seen.length === 3, 'the third')
  expect(dataOf(seen)).toEqual([1, 2, 3])
  expect(node.received.some(({ subscribe }) => subscribe && 'recover' in subscribe)).toBe(false)
})

it('publishes, calls methods, gets their answers or refusals, and reports a channel that it may not read', async () => {
  const history = centrifugoHistory()
  const node = await centrifugoNode('blue', history)
  const { socket, seen } = speaking(node.url, centrifuge()).follow('news').follow('secret')
  const refused: unknown[] = []
  socket.on('error', ({ error }) => refused.push(error.topic))
  socket.connect()
  await socket.publish('news', { a: 1 })
  await expect(socket.publish('rpc:double', 21)).resolves.toMatchObject({ data: 42 })
  await expect(socket.publish('rpc:none', 1)).rejects.toMatchObject({ code: 'refused' })
  await until(() => seen.length === 1, 'the message')
  expect([dataOf(seen), refused]).toEqual([[{ a: 1 }], ['secret']])
})

it.each([
  ['says that it has expired', 109],
  ['closes with 3500', 3500],
])('fetches a new token if the server %s', async (_how, code) => {
  const node = await centrifugoNode('blue', centrifugoHistory(), { token: (token) => (token === 'good' ? null : code) })
  let asked = 0
  const { socket } = speaking(node.url, centrifuge(), { getToken: async () => (++asked === 1 ? 'old' : 'good') })
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live with the new one')
  expect(asked).toBe(2)
})

it('sends a fresh token on the open connection', async () => {
  const node = await centrifugoNode('blue', centrifugoHistory())
  let asked = 0
  const { socket } = speaking(node.url, centrifuge(), {
    getToken: async () => ({ token: `t${++asked}`, ttl: 1_000 }),
    tokenRefresh: { from: 0.1, to: 0.1 },
  })
  socket.connect()
  await until(() => node.received.some(({ refresh }) => refresh?.['token'] === 't2'), 'the refresh')
  expect(socket.stats().handovers).toBe(0)
})

it.each([
  [3503, 'closed'],
  [4501, 'closed'],
  [3000, 'reconnecting'],
  [3012, 'reconnecting'],
  [4001, 'reconnecting'],
])('after a close by the server with %d it is %s, like the centrifuge client', async (code, status) => {
  const node = await centrifugoNode('blue', centrifugoHistory())
  const stock = new Centrifuge(node.url, { websocket: WebSocket })
  onTestFinished(() => stock.disconnect())
  stock.connect()
  await stock.ready()
  const { socket } = speaking(node.url, centrifuge())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  for (const each of node.sockets) each.close(code, 'because')
  await until(() => socket.store.getState().status === status, status)
  await until(() => String(stock.state) === (status === 'closed' ? 'disconnected' : 'connecting'), 'as theirs')
})
