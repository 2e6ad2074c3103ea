import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { liveServer } from './kit.js'

const SECRET = 'a-secret-of-some-length'

/** A live server, and its drain endpoint on an HTTP server of its own. */
async function mounted() {
  const server = await liveServer()
  const http = createServer(server.drainEndpoint(SECRET)).listen(0, '127.0.0.1')
  onTestFinished(() => void http.close())
  await new Promise((resolve) => http.once('listening', resolve))
  const call = (body?: string, { method = 'POST', authorization = `Bearer ${SECRET}` as string | undefined } = {}) =>
    new Promise<{ status: number; headers: IncomingMessage['headers']; body: any }>((resolve, reject) => {
      const { port } = http.address() as AddressInfo
      const asked = request({ port, host: '127.0.0.1', method, headers: authorization === undefined ? {} : { authorization } }, (response) => {
        let text = ''
        response.on('data', (data) => void (text += data)).on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body: JSON.parse(text) }))
      })
      asked.on('error', reject).end(body)
    })
  return { server, call }
}

describe('what a deploy tool calls on the old slot', () => {
  test('starts the drain and answers at once with the number of legs', async () => {
    const { server, call } = await mounted()
    const legs = [await server.join(), await server.join()]
    expect(await call()).toMatchObject({ status: 202, body: { legs: 2 } })
    for (const leg of legs) await leg.next('handover')
  })

  test('takes the options of a drain, and waits for its end if asked to', async () => {
    const { server, call } = await mounted()
    const leg = await server.join()
    const answer = call(JSON.stringify({ rate: 50, deadline: 9_000, url: 'wss://green.example', reason: 'slot swap', spread: 5, wait: true }))
    expect(await leg.next('handover')).toMatchObject({ url: 'wss://green.example', reason: 'slot swap', spread: 5 })
    leg.close()
    expect(await answer).toMatchObject({ status: 200, body: { moved: 1, forced: 0 } })
  })

  test('takes it back', async () => {
    const { server, call } = await mounted()
    const leg = await server.join()
    expect(await call('{"cancel":true}')).toMatchObject({ status: 200, body: { cancelled: false } })
    await call()
    expect(await call('{"cancel":true}')).toMatchObject({ status: 200, body: { cancelled: true } })
    await leg.next('handover-cancelled')
    await server.join()
  })

  test('a body parser may have come first', async () => {
    const server = await liveServer()
    const listener = server.drainEndpoint(SECRET)
    const answers: unknown[] = []
    const response = { writeHead: (status: number) => void answers.push(status), end: (text: string) => void answers.push(JSON.parse(text)) }
    listener({ method: 'POST', headers: { authorization: `bearer ${SECRET}` }, body: { reason: 'parsed', wait: true } } as never, response as never)
    await new Promise((resolve) => setImmediate(resolve))
    expect(answers).toEqual([200, { moved: 0, forced: 0 }])
  })
})

describe('everything else is refused, and nothing has begun', () => {
  test.each<[string, number, string | undefined, { method?: string; authorization?: string }]>([
    ['GET', 405, undefined, { method: 'GET' }],
    ['PUT', 405, undefined, { method: 'PUT' }],
    ['a wrong method without a secret', 405, undefined, { method: 'DELETE', authorization: '' }],
    ['no secret', 401, undefined, { authorization: '' }],
    ['a wrong secret', 401, undefined, { authorization: 'Bearer wrong' }],
    ['a wrong secret of the same length', 401, undefined, { authorization: `Bearer ${SECRET.slice(0, -1)}x` }],
    ['a secret with more behind it', 401, undefined, { authorization: `Bearer ${SECRET} ` + 'x' }],
    ['another scheme', 401, undefined, { authorization: `Basic ${SECRET}` }],
    ['too large a body', 413, `"${'x'.repeat(5_000)}"`, {}],
    ['no JSON', 400, '{', {}],
    ['a JSON that is no object', 400, '[]', {}],
    ['a field that is none', 400, '{"speed":9}', {}],
    ['a flag that is none', 400, '{"wait":"yes"}', {}],
    ['a deadline that makes no sense', 400, '{"deadline":-1}', {}],
    ['a url that is none', 400, '{"url":"http://169.254.169.254/"}', {}],
    ['a wait that is none, with the rest in order', 400, '{"rate":"fast","wait":true}', {}],
  ])('%s', async (_, status, body, how) => {
    const { server, call } = await mounted()
    const answer = await call(body, how)
    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({ error: expect.any(String) })
    expect(JSON.stringify(answer)).not.toContain(SECRET)
    expect(server.stats().draining).toBe(false)
  })

  test.each(['', 'short', undefined as never])('a secret that protects nothing is not mounted: %s', async (secret) => {
    const server = await liveServer()
    expect(() => server.drainEndpoint(secret)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })
})
