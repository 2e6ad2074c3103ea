import { get } from 'node:http'
import { expect, onTestFinished, test } from 'vitest'
import { createLiveServer } from '../../src/server/live-server.js'
import { memoryLog } from '../../src/server/log/memory-log.js'
import { readinessOf } from '../../src/server/readiness.js'
import type { LogStatus } from '../../src/server/log/topic-log.js'

const away = (away: number): LogStatus => ({ ready: false, reason: 'it is broken', away })

test.each([
  [
    'whose log has never been reachable is not ready',
    { draining: false, log: away(Infinity) },
    'log away: it is broken',
  ],
  ['whose log has been away for a moment is ready', { draining: false, log: away(9_000) }, 'ready'],
  ['whose log has been away for longer is not ready', { draining: false, log: away(10_000) }, 'log away: it is broken'],
  ['whose log is reachable is ready', { draining: false, log: { ready: true } as const }, 'ready'],
  ['whose log reports no status is ready', { draining: false, log: undefined }, 'ready'],
  ['that drains is not ready, whatever its log is', { draining: true, log: away(Infinity) }, 'draining'],
])('a server %s', (_, state, readiness) => {
  expect(readinessOf(state)).toBe(readiness)
})

test('the readiness check and stats() say why a server is not ready', async () => {
  let status: LogStatus = away(Infinity)
  const log = { ...memoryLog(), status: () => status }
  const server = createLiveServer({ port: 0, host: '127.0.0.1', log, authenticate: () => ({ subject: 'ada' }) })
  onTestFinished(() => server.close())
  await server.ready
  const asked = () =>
    new Promise<string>((resolve) =>
      get(`${server.address().replace('ws:', 'http:')}healthz`, (response) => {
        response.setEncoding('utf8').on('data', (text) => resolve(`${response.statusCode} ${text}`))
      }),
    )
  expect(await asked()).toBe('503 log away: it is broken')
  expect(server.stats().logAway).toBe('it is broken')
  status = { ready: true }
  expect(await asked()).toBe('200 ready')
  expect(server.stats().logAway).toBe(null)
})
