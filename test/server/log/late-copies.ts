import { expect, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveSocket } from '../../../src/index.js'
import type { TopicLog } from '../../../src/server/log/topic-log.js'
import { createRelay } from '../../kit/relay.js'
import { liveServer, until } from '../kit.js'

/**
 * The first copy of a publish is delayed on its way. The client hands over and sends the publish again, and the log,
 * which remembers one answer, forgets that publish's. Then the first copy arrives.
 */
export async function lateFirstCopy(openLog: () => TopicLog): Promise<void> {
  const servers = [await liveServer({ log: openLog() }), await liveServer({ log: openLog() })]
  const ports = servers.map((server) => Number(new URL(server.address()).port))
  const path = createRelay({ target: () => ({ port: ports.length > 1 ? ports.shift()! : ports[0]! }) })
  await path.ready
  onTestFinished(() => path.close())
  const reader = await servers[1]!.join({ topics: { t: {} } })
  const socket = createLiveSocket({
    url: `ws://127.0.0.1:${path.port}/`,
    environment: { WebSocket: WebSocket as never },
  })
  onTestFinished(() => socket.close())
  socket.connect()
  await until(() => socket.store.getState().status === 'live', 'live')

  const way = path.connections()[0]!
  way.freeze('up')
  const first = socket.publish('t', 'the order')
  await socket.handover()
  await expect(first).resolves.toMatchObject({ offset: 1 })
  for (const data of ['more', 'and more']) await socket.publish('t', data)
  const published = servers[0]!.stats().published
  way.thaw()
  await until(() => servers[0]!.stats().published > published, 'the first copy has come')
  await until(() => servers[0]!.stats().refused === 1, 'and is refused')
  await socket.publish('t', 'the last')
  await until(() => reader.of('message').some(({ data }) => data === 'the last'), 'all have come')
  expect(reader.of('message').map(({ data }) => data)).toEqual(['the order', 'more', 'and more', 'the last'])
}
