import { createLiveSocket, rawProtocol, type LiveSocketOptions } from 'livesocket'
import { expect, it } from 'vitest'
import { createSimulatedClock } from '../../src/testing/simulated-clock.js'
import { fakeWebSockets } from '../kit/fake-socket.js'

it('a subscription at a server that never confirms is live at once, and calls no listener before `subscribe` has returned', async () => {
  const clock = createSimulatedClock()
  const { WebSocket, sockets } = fakeWebSockets()
  const protocol = rawProtocol({ message: (data) => ({ topic: 'a', data }) })
  const options: LiveSocketOptions = { url: 'wss://a.test/', protocol, environment: { WebSocket, clock } }
  const socket = createLiveSocket(options)
  socket.connect()
  await clock.flush()
  sockets[0]!.open()
  await clock.flush()
  const status = socket.topicStatus('a')
  const told: unknown[] = []
  const undo = status.subscribe((now) => {
    told.push(now)
    undo()
  })
  expect([status.getState(), told]).toEqual(['live', []])
  sockets[0]!.end(1006)
  expect(told).toEqual(['pending'])
  socket.close()
})
