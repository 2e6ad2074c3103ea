import { createLiveSocket } from 'livesocket'
import { breakable, createRecorder } from 'livesocket/devtools/plain'
import { presence } from 'livesocket/presence'
import { memoryLog } from 'livesocket/server'
import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { liveServer } from '../server/kit.js'
import { createTraffic } from '../../src/devtools/traffic.js'
import { until } from '../kit/wait.js'

it('requests, signals and members are counted on the wire, through a handover', async () => {
  let answer: (() => void) | null = null
  const options = {
    log: memoryLog(),
    authenticate: ({ token }: { token?: string }) => ({ subject: token! }),
    presence: () => true,
    onRequest: { now: () => 1, later: () => new Promise<void>((resolve) => void (answer = resolve)) },
  }
  const servers = [await liveServer<{ subject: string }>(options), await liveServer<{ subject: string }>(options)]
  let server = servers[0]!
  const connect = (name: string) => {
    const wire = breakable(WebSocket)
    const socket = createLiveSocket({
      url: () => server.address(),
      getToken: async () => name,
      environment: { WebSocket: wire },
    })
    onTestFinished(() => socket.close())
    const { traffic, recording } = createRecorder(socket, { wire })
    socket.connect()
    return { socket, traffic, recording, here: presence(socket, 'room', { data: 'private' }) }
  }
  const [ada, bob] = [connect('ada'), connect('bob')]
  for (const { here } of [ada, bob]) here.members.subscribe(() => undefined)
  ada.socket.subscribe('room', () => undefined)
  const heard = new Promise((resolve) => void bob.socket.onSignal('room', resolve))
  for (const { traffic } of [ada, bob]) await until(() => traffic.members.get('room') === 2, 5_000, 'both to see both')
  await until(() => bob.socket.topicStatus('room').getState() === 'live', 5_000, 'the topic')
  ada.socket.signal('room', 'hello')
  await heard
  await ada.socket.request('now')
  const late = ada.socket.request('later')
  await until(() => ada.traffic.requests.waiting === 1, 5_000, 'one to wait')
  expect(ada.traffic.requests).toEqual({ asked: 2, waiting: 1 })
  server = servers[1]!
  const moved = ada.socket.handover()
  await until(() => answer !== null, 5_000, 'the server to have it')
  answer!()
  await Promise.all([late, moved])
  expect([ada.traffic.requests, ada.traffic.signals.out, bob.traffic.signals.in]).toEqual([
    { asked: 2, waiting: 0 },
    1,
    1,
  ])
  bob.here.leave()
  await until(() => ada.traffic.members.get('room') === 1, 5_000, 'bob to be gone')
  expect(JSON.stringify(ada.recording())).not.toContain('private')
})

it.each([
  '{"type":"ack","id":"1"',
  '{"type":"ack","id":"1","data":{"rows":7}}',
  '{"type":"message","topic":"livesocket.presence","data":7}',
  '{"type":"message","topic":"livesocket.presence:room","data":{"set":[7],"gone":7}}',
])('an invalid frame of the server does not stop the devtools: %s', (text) => {
  const traffic = createTraffic()
  traffic.outgoing('{"type":"request","id":"1","method":"livesocket.presence","data":{"topic":"room"}}')
  traffic.came(text)
  traffic.came('{"type":"signal","topic":"room","data":1}')
  expect(traffic.signals.in).toBe(1)
})

it.each([
  '{"type":"request","id":"1"',
  '{"type":"request","id":"1","method":7}',
  '{"type":"request","id":"1","method":"livesocket.presence"}',
])('an invalid frame of the page is sent anyway: %s', (text) => {
  const traffic = createTraffic()
  traffic.outgoing(text)
  traffic.outgoing('{"type":"signal","topic":"room","data":1}')
  expect(traffic.signals.out).toBe(1)
})

it('a request does not count as waiting once it is cancelled or its connection has ended, and a repeat is the same request', () => {
  const traffic = createTraffic()
  const [one, two] = [{}, {}]
  const ask = (id: number, on: object) => traffic.outgoing(`{"type":"request","id":"${id}","method":"now"}`, on)
  for (let id = 1; id <= 3; id++) ask(id, one)
  traffic.outgoing('{"type":"cancel","id":"1"}', one)
  expect(traffic.requests).toEqual({ asked: 3, waiting: 2 })
  ask(2, two)
  traffic.closed(one)
  expect(traffic.requests).toEqual({ asked: 3, waiting: 1 })
  ask(3, two)
  expect(traffic.requests).toEqual({ asked: 3, waiting: 2 })
  for (let id = 4; id <= 5_000; id++) {
    ask(id, two)
    traffic.closed(two)
  }
  expect(traffic.requests).toEqual({ asked: 5_000, waiting: 0 })
})
