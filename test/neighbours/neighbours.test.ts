import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createLiveServer, type ServerEvent } from '../../src/server/index.js'
import { rawAnswer } from '../kit/raw-answer.js'
import { rawClient } from '../kit/raw-client.js'
import { NEIGHBOURS, said } from './neighbours.js'

const upgradeTo = (protocol: string, path: string, more = '', method = 'GET') =>
  `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: ${protocol}\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n${more}\r\n`

describe.each(Object.keys(NEIGHBOURS))('beside %s', (name) => {
  describe.each(['first', 'second'] as const)('mounted %s', (order) => {
    const beside = async () => {
      const events: ServerEvent[] = []
      const errors: unknown[] = []
      const live: { server?: ReturnType<typeof createLiveServer> } = {}
      const neighbour = await NEIGHBOURS[name]!((http) => {
        live.server = createLiveServer({
          server: http,
          path: '/live',
          authenticate: () => ({ subject: 'anybody' }),
          onEvent: (event) => events.push(event),
          onError: (error) => errors.push(error),
        })
      }, order)
      onTestFinished(async () => {
        await live.server!.close()
        await neighbour.close()
        expect(errors).toEqual([])
      })
      return { port: neighbour.port, live: live.server!, events }
    }

    test('both serve their WebSockets at the same time, and the application its requests', async () => {
      const { port, live } = await beside()
      expect(await (await fetch(`http://127.0.0.1:${port}/hello`)).text()).toBe('hello')
      for (let round = 0; round < 3; round++) {
        const ours = await rawClient(`ws://127.0.0.1:${port}/live?room=1`)
        await ours.hello({ topics: { t: {} } })
        const theirs = new WebSocket(`ws://127.0.0.1:${port}/other`)
        await once(theirs, 'open')
        const { ask, answer } = said(name, `${round}`)
        theirs.send(ask)
        const [heard] = (await once(theirs, 'message')) as [Buffer]
        expect(String(heard)).toBe(answer)
        await live.publish('t', round)
        expect(await ours.next('message')).toMatchObject({ data: round })
        theirs.terminate()
        ours.close()
        await ours.closed
      }
      expect(live.stats().failed).toEqual({})
    })

    test('an upgrade for an unknown path is answered or ended, and a reset of it does no harm', async () => {
      const { port } = await beside()
      const from = performance.now()
      const answer = await rawAnswer(port, upgradeTo('websocket', '/nobodys'))
      expect(performance.now() - from).toBeLessThan(4_000)
      // Nest ends the connection, @fastify/websocket lets it in and closes it, ws says 400.
      if (name === 'a listener that answers its own path alone') expect(answer).toMatch(/^HTTP\/1\.1 404 /)
      expect(answer.match(/HTTP\/1\.1 /g)?.length ?? 0).toBeLessThan(2)
      const reset = connect(port, '127.0.0.1')
      reset.write(upgradeTo('websocket', '/nobodys'))
      await new Promise((resolve) => reset.once('ready', () => setImmediate(resolve)))
      reset.resetAndDestroy()
      await (await rawClient(`ws://127.0.0.1:${port}/live`)).hello()
    })

    test('a request that asks for HTTP/2 gets the whole answer of the application over HTTP/1.1', async () => {
      const { port } = await beside()
      expect(await rawAnswer(port, upgradeTo('h2c', '/hello'), 'hello')).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello/)
      const body = 'x'.repeat(100_000)
      const fields = `Content-Type: application/octet-stream\r\nContent-Length: ${body.length + 3}\r\n`
      const echoed = await rawAnswer(port, `${upgradeTo('h2c', '/echo', fields, 'POST')}${body}end`, 'end')
      expect(echoed).toMatch(/^HTTP\/1\.1 20[01] /)
      expect(echoed).toContain(`${body.slice(0, 20_000)}`)
      expect(await rawAnswer(port, upgradeTo('h2c', '/live'), '\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d /)
    })
  })
})
