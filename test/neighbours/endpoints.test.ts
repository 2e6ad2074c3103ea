import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { liveServer } from '../server/kit.js'

const SECRET = 'a-secret-of-some-length'
const BODY = '{"deadline":9000,"reason":"deploy"}'
const JSON_TYPE = 'application/json'

type Given = (request: unknown, response: unknown) => void

/** Posts that to the drain endpoint. */
async function post(port: number, body: string | undefined, type?: string, secret = SECRET) {
  const answer = await fetch(`http://127.0.0.1:${port}/drain`, {
    method: 'POST',
    headers: { authorization: `Bearer ${secret}`, ...(type === undefined ? undefined : { 'content-type': type }) },
    ...(body === undefined ? undefined : { body }),
  })
  return { status: answer.status, text: await answer.text() }
}

async function onFastify(mount: (app: FastifyInstance) => void) {
  const app = fastify()
  mount(app)
  await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  return (app.server.address() as AddressInfo).port
}

async function onExpress(mount: (app: ReturnType<typeof express>) => void) {
  const app = express()
  mount(app)
  const http = createServer(app)
  await new Promise<void>((resolve) => void http.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    http.closeAllConnections()
    http.close()
  })
  return (http.address() as AddressInfo).port
}

describe('the HTTP endpoints of a live server on Fastify', () => {
  test('accept its raw request and reply, with the parsed body', async () => {
    const server = await liveServer()
    const leg = await server.join()
    const [drain, health, metrics] = [server.drainEndpoint(SECRET), server.healthEndpoint(), server.metricsEndpoint()]
    const port = await onFastify((app) => {
      app.post('/drain', (request, reply) => {
        reply.hijack()
        drain(Object.assign(request.raw, { body: request.body }), reply.raw)
      })
      app.get('/healthz', (request, reply) => {
        reply.hijack()
        health(request.raw, reply.raw)
      })
      app.get('/metrics', (request, reply) => {
        reply.hijack()
        metrics(request.raw, reply.raw)
      })
    })
    expect(await (await fetch(`http://127.0.0.1:${port}/healthz`)).text()).toBe('ready')
    expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('livesocket_legs 1')
    expect(await post(port, BODY, JSON_TYPE, 'another secret')).toMatchObject({ status: 401 })
    expect(await post(port, BODY, JSON_TYPE)).toMatchObject({ status: 202 })
    expect(await leg.next('handover')).toMatchObject({ reason: 'deploy' })
  })

  test.each<[string, (request: { raw: IncomingMessage }, reply: { raw: ServerResponse }) => [unknown, unknown]]>([
    ['its own request and reply', (request, reply) => [request, reply]],
    ['its own request beside the raw reply', (request, reply) => [request, reply.raw]],
    ['the raw request beside its own reply', (request, reply) => [request.raw, reply]],
  ])('refuse %s with a text that says what to pass, and the process goes on', async (_name, picked) => {
    const server = await liveServer()
    const endpoints = {
      drain: server.drainEndpoint(SECRET),
      health: server.healthEndpoint(),
      metrics: server.metricsEndpoint(),
    }
    const port = await onFastify((app) => {
      for (const [name, endpoint] of Object.entries(endpoints))
        app.post(`/${name}`, async (request, reply) => {
          ;(endpoint as Given)(...picked(request, reply))
          return reply
        })
    })
    for (const name of Object.keys(endpoints)) {
      const answer = await fetch(`http://127.0.0.1:${port}/${name}`, {
        method: 'POST',
        headers: { authorization: 'Bearer wrong' },
      })
      expect([answer.status, await answer.text()]).toEqual([500, expect.stringContaining('request.raw and reply.raw')])
    }
    expect(server.stats().draining).toBe(false)
  })

  test('say that request.raw.body is missing where Fastify has the parsed body', async () => {
    const server = await liveServer()
    const drain = server.drainEndpoint(SECRET)
    const port = await onFastify((app) => {
      app.post('/drain', (request, reply) => {
        reply.hijack()
        drain(request.raw, reply.raw)
      })
    })
    expect(await post(port, BODY, JSON_TYPE)).toEqual({
      status: 400,
      text: expect.stringContaining('request.raw.body = request.body') as string,
    })
  })
})

describe('the drain endpoint on Express', () => {
  test('gets its options behind express.json()', async () => {
    const server = await liveServer()
    const leg = await server.join()
    const port = await onExpress((app) => void app.use(express.json()).post('/drain', server.drainEndpoint(SECRET)))
    expect(await post(port, BODY, JSON_TYPE)).toMatchObject({ status: 202 })
    expect(await leg.next('handover')).toMatchObject({ reason: 'deploy' })
  })

  test('asks for the Content-Type where a parser read the JSON as a form', async () => {
    const server = await liveServer()
    const port = await onExpress(
      (app) => void app.use(express.json(), express.urlencoded()).post('/drain', server.drainEndpoint(SECRET)),
    )
    expect(await post(port, BODY, 'application/x-www-form-urlencoded')).toEqual({
      status: 400,
      text: expect.stringContaining('Content-Type: application/json') as string,
    })
    expect(server.stats().draining).toBe(false)
  })
})
