import { createAdapter } from '@socket.io/redis-streams-adapter'
import { createClient } from 'redis'
import { expect, it, onTestFinished } from 'vitest'
import { socketIo } from '../../src/presets/socket-io.js'
import { startRedisServer } from '../kit/redis-server.js'
import { until } from '../server/kit.js'
import { socketIoServer } from './socket-io-servers.js'
import { oneToLast, speaking } from './stage.js'

const numbersIn = (seen: readonly unknown[]) => seen.map((args) => (args as number[])[0]!)

it('loses, repeats and reorders nothing in handovers between two servers on one Redis, at 500 events a second to a room', async () => {
  const redis = await startRedisServer()
  onTestFinished(() => redis.close())
  const servers = await Promise.all(
    ['blue', 'green'].map(async () => {
      const client = createClient({ url: redis.url })
      await client.connect()
      onTestFinished(() => client.close())
      return socketIoServer({ adapter: createAdapter(client, { blockTimeInMs: 50 }) as never })
    }),
  )
  let dials = 0
  const protocol = socketIo({ join: (topic) => ['join', topic] })
  const { socket, seen } = speaking(() => servers[dials++ % 2]!.url, protocol).follow('tick')
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')
  let sent = 0
  const timer = setInterval(() => servers[sent % 2]!.io.to('tick').emit('tick', ++sent), 2)
  onTestFinished(() => clearInterval(timer))
  await until(() => seen.length > 0, 'the first')
  for (let move = 1; move <= 5; move++) {
    servers[(dials - 1) % 2]!.io.local.emit('reconnect', { deadline: 20_000 })
    await until(() => socket.stats().handovers === move, `handover ${move}`)
  }
  clearInterval(timer)
  await until(() => numbersIn(seen).includes(sent), 'the last')
  const numbers = numbersIn(seen)
  // The events of each server are in order. Between two servers that both emit there is no order.
  for (const rest of [0, 1]) {
    const own = numbers.filter((number) => number % 2 === rest)
    expect(own).toEqual([...own].sort((a, b) => a - b))
  }
  expect([...numbers].sort((a, b) => a - b)).toEqual(oneToLast([...numbers].sort((a, b) => a - b)))
})
