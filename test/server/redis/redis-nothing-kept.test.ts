import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveSocket } from '../../../src/index.js'
import { createRelay } from '../../kit/relay.js'
import { liveServer } from '../kit.js'
import { append, here, redisWith, until } from './redis-kit.js'

test('a reader of a topic without history gets the gap as soon as its server is back at Redis, not only with the next message', async () => {
  const { redis, open } = await redisWith()
  const relay = createRelay({ target: { port: redis.port } })
  await relay.ready
  onTestFinished(() => relay.close())
  const history = { maxMessages: 0 }
  const log = open({ url: `redis://127.0.0.1:${relay.port}`, history })
  const other = open({ history })
  const server = await liveServer({ log })
  const socket = createLiveSocket<{ t: number }>({ url: server.address(), environment: { WebSocket } })
  onTestFinished(() => socket.close())
  const told: unknown[] = []
  socket.subscribe('t', (data) => void told.push(data))
  socket.on('gap', ({ from, to }) => void told.push({ from, to }))
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  await append(other)
  await until(() => told.length === 1, 'the first has come')
  relay.refuse(true)
  relay.cut()
  await until(() => !log.stats().here, 'cut off')
  for (let n = 2; n <= 4; n++) await append(other, `${n}`)
  relay.refuse(false)
  await here(log)
  await until(() => told.length > 1, 'the gap is told')
  expect(told).toEqual([1, { from: 2, to: 4 }])
}, 20_000)
