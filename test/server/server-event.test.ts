import { runInNewContext } from 'node:vm'
import { expect, test } from 'vitest'
import type { ServerEvent } from '../../src/server/index.js'
import { liveServer, until } from './kit.js'

test('onEvent reports each leg with its subject and address, and each drain, but no token and no message', async () => {
  const events: ServerEvent[] = []
  const server = await liveServer({ onEvent: (event) => void events.push(event) })
  const one = await server.join({ session: 's', leg: 3, token: 'secret', handover: 'h', topics: { t: {} } })
  one.send({ type: 'publish', id: 'p', topic: 't', data: 'private' })
  await one.next('ack')
  const stranger = await server.client()
  stranger.send({ type: 'ping' })
  await stranger.closed
  await until(() => events.length === 3, 'the stranger is gone')
  const drained = server.drain({ reason: 'deploy' })
  one.close()
  await drained
  await until(() => events.length === 6, 'all is told')
  const address = '127.0.0.1'
  expect(events).toEqual([
    { type: 'leg-welcomed', session: 's', leg: 3, handover: 'h', subject: 'anybody', address },
    { type: 'leg-failed', code: 'protocol', message: expect.any(String), address },
    { type: 'leg-gone', address },
    { type: 'drain-started', legs: 1, reason: 'deploy' },
    { type: 'leg-gone', session: 's', leg: 3, subject: 'anybody', address },
    { type: 'drain-finished', moved: 1, forced: 0 },
  ])
  expect(JSON.stringify(events)).not.toMatch(/secret|private/)
})

test('onEvent reports how many legs are left when a drain is cancelled', async () => {
  const events: ServerEvent[] = []
  const server = await liveServer({ onEvent: (event) => void events.push(event) })
  await server.join({ session: 's' })
  const stop = new AbortController()
  const drained = server.drain({ signal: stop.signal })
  stop.abort()
  await drained
  expect(events.slice(1)).toEqual([
    { type: 'drain-started', legs: 1, reason: 'deploy' },
    { type: 'drain-cancelled', left: 1 },
  ])
})

test.each<[string, () => void]>([
  [
    'throws',
    () => {
      throw new Error('disk full')
    },
  ],
  ['rejects', () => Promise.reject(new Error('disk full'))],
  ['rejects by a promise of another realm', () => runInNewContext('Promise.reject(new Error())') as void],
])('an onEvent that %s is reported, and the leg lives on', async (_, onEvent) => {
  const server = await liveServer({ onEvent })
  await server.join()
  await until(() => server.errors.length === 1, 'it is told')
})
