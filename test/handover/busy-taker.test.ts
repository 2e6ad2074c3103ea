import { expect, test } from 'vitest'
import { handServed } from '../kit/hand-served.js'

const MOVE = { type: 'handover', id: 'm', reason: 'deploy', deadline: 60_000 }

test('client rule 3: the server that asked gets a `delayed` frame with the retryAfter of the busy next server; the leg stays, and hands over later', async () => {
  const { socket, clock, live, leg, dials } = handServed()
  const one = await live()
  one.send(MOVE)
  const two = await leg(2)
  two.open()
  two.send({ type: 'error', code: 'busy', message: 'Others are being greeted.', retryAfter: 4_000, spread: 1_000 })
  two.end(1013)
  expect(one.of('delayed')).toEqual([{ type: 'delayed', id: 'm', retryAfter: 4_000 }])
  expect(socket.store.getState().status).toBe('live')
  await clock.advance(3_900)
  expect(dials()).toBe(2)
  await clock.advance(1_200)
  const three = await leg(3)
  three.welcome({ server: 'b' })
  await clock.flush()
  expect([one.closed, one.of('delayed').length]).toEqual([1000, 1])
  socket.close()
})

test('no server gets a `delayed` frame when a reconnection finds a busy server', async () => {
  const { socket, clock, live, leg } = handServed()
  const one = await live()
  one.end(1012)
  await clock.advance(2_000)
  const two = await leg(2)
  two.open()
  two.send({ type: 'error', code: 'busy', message: 'Others are being greeted.', retryAfter: 4_000 })
  two.end(1013)
  await clock.flush()
  expect([...one.said, ...two.said].filter(({ type }) => type === 'delayed')).toEqual([])
  socket.close()
})

test('client rule 3: a pong before the welcome restarts connectTimeout, but not endlessly', async () => {
  const { socket, clock, leg, dials } = handServed({ connectTimeout: 1_000 })
  socket.connect()
  const one = await leg(1)
  one.open()
  for (let word = 0; word < 5; word++) {
    await clock.advance(900)
    one.send({ type: 'pong' })
  }
  await clock.flush()
  expect([one.closed, dials()]).toEqual([undefined, 1])
  await clock.advance(1_100)
  expect(one.closed).toBeDefined()

  await clock.advance(5_000)
  const two = await leg(2)
  two.open()
  for (let word = 0; word < 60 && two.closed === undefined; word++) {
    two.send({ type: 'pong' })
    await clock.advance(900)
  }
  expect(two.closed).toBeDefined()
  socket.close()
})
