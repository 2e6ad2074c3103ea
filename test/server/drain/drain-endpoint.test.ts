import { createServer, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { liveServer } from '../kit.js'

const SECRET = 'a-secret-of-some-length'

async function textOf(request: IncomingMessage): Promise<string> {
  return (await request.toArray()).join('')
}

/** A live server, with its drain endpoint on an HTTP server behind a body parser. */
async function mounted(parse: (request: IncomingMessage) => Promise<void> = async () => undefined) {
  const server = await liveServer()
  const drain = server.drainEndpoint(SECRET)
  const http = createServer((request, response) => void parse(request).then(() => drain(request, response))).listen(
    0,
    '127.0.0.1',
  )
  onTestFinished(() => void http.close())
  await new Promise((resolve) => http.once('listening', resolve))
  const call = (body?: string, { method = 'POST', authorization = `Bearer ${SECRET}` as string | undefined } = {}) =>
    new Promise<{ status: number; headers: IncomingMessage['headers']; body: any }>((resolve, reject) => {
      const { port } = http.address() as AddressInfo
      const asked = request(
        { port, host: '127.0.0.1', method, headers: authorization === undefined ? {} : { authorization } },
        (response) => {
          let text = ''
          response
            .on('data', (data) => void (text += data))
            .on('end', () =>
              resolve({ status: response.statusCode!, headers: response.headers, body: JSON.parse(text) }),
            )
        },
      )
      asked.on('error', reject).end(body)
    })
  return { server, call }
}

describe('the drain endpoint, which a deploy tool calls on the old slot,', () => {
  test('starts the drain and answers at once with the number of legs', async () => {
    const { server, call } = await mounted()
    const legs = [await server.join(), await server.join()]
    expect(await call()).toMatchObject({ status: 202, body: { legs: 2 } })
    for (const leg of legs) await leg.next('handover')
  })

  test('takes the options of a drain, and waits for its end if asked to', async () => {
    const { server, call } = await mounted()
    const leg = await server.join()
    const answer = call(
      JSON.stringify({
        rate: 50,
        deadline: 9_000,
        url: 'wss://green.example',
        reason: 'slot swap',
        spread: 5,
        wait: true,
      }),
    )
    expect(await leg.next('handover')).toMatchObject({ url: 'wss://green.example', reason: 'slot swap', spread: 5 })
    leg.close()
    expect(await answer).toMatchObject({ status: 200, body: { moved: 1, forced: 0 } })
  })

  test('cancels the drain', async () => {
    const { server, call } = await mounted()
    const leg = await server.join()
    expect(await call('{"cancel":true}')).toMatchObject({ status: 200, body: { cancelled: false } })
    await call()
    expect(await call('{"cancel":true}')).toMatchObject({ status: 200, body: { cancelled: true } })
    await leg.next('handover-cancelled')
    await server.join()
  })

  const BODY = '{"deadline":9000,"reason":"slot swap"}'
  test.each<[string, (request: IncomingMessage & { body?: unknown }) => Promise<void>]>([
    ['has parsed it', async (request) => void (request.body = JSON.parse(await textOf(request)))],
    ['has kept it as text', async (request) => void (request.body = await textOf(request))],
    ['has kept its bytes', async (request) => void (request.body = Buffer.from(await textOf(request)))],
    ['leaves a foreign content type unread, and sets {}', async (request) => void (request.body = {})],
  ])('works behind a body parser that %s', async (_, parse) => {
    const { server, call } = await mounted(parse)
    const leg = await server.join()
    expect(await call(BODY)).toMatchObject({ status: 202, body: { legs: 1 } })
    const { deadline, reason } = await leg.next('handover')
    expect(reason).toBe('slot swap')
    expect(deadline).toBeGreaterThan(8_000)
    expect(deadline).toBeLessThanOrEqual(9_000)
  })

  test('answers 400 where a parser has consumed the body without keeping it, and starts no drain with options that were not sent', async () => {
    const { server, call } = await mounted(async (request) => void (await textOf(request)))
    expect(await call(BODY)).toMatchObject({ status: 400, body: { error: expect.stringContaining('request.body') } })
    expect(server.stats().draining).toBe(false)
    // A request without a body is complete anyway.
    expect(await call()).toMatchObject({ status: 202 })
  })
})

describe('every other call is refused, and no drain starts', () => {
  test.each<[string, number, string | undefined, { method?: string; authorization?: string }]>([
    ['GET', 405, undefined, { method: 'GET' }],
    ['PUT', 405, undefined, { method: 'PUT' }],
    ['a wrong method without a secret', 405, undefined, { method: 'DELETE', authorization: '' }],
    ['no secret', 401, undefined, { authorization: '' }],
    ['a wrong secret', 401, undefined, { authorization: 'Bearer wrong' }],
    ['a wrong secret of the same length', 401, undefined, { authorization: `Bearer ${SECRET.slice(0, -1)}x` }],
    ['a secret with more behind it', 401, undefined, { authorization: `Bearer ${SECRET} x` }],
    ['another scheme', 401, undefined, { authorization: `Basic ${SECRET}` }],
    ['too large a body', 413, `"${'x'.repeat(5_000)}"`, {}],
    ['no JSON', 400, '{', {}],
    ['a JSON that is no object', 400, '[]', {}],
    ['an unknown field', 400, '{"speed":9}', {}],
    ['a flag that is no boolean', 400, '{"wait":"yes"}', {}],
    ['a deadline that makes no sense', 400, '{"deadline":-1}', {}],
    ['a url that is no WebSocket URL', 400, '{"url":"http://169.254.169.254/"}', {}],
    ['a rate that is no number, with a valid wait', 400, '{"rate":"fast","wait":true}', {}],
  ])('%s', async (_, status, body, how) => {
    const { server, call } = await mounted()
    const answer = await call(body, how)
    expect(answer.status).toBe(status)
    expect(answer.body).toEqual({ error: expect.any(String) })
    expect(JSON.stringify(answer)).not.toContain(SECRET)
    expect(server.stats().draining).toBe(false)
  })

  test.each([
    '',
    'short',
    undefined as never,
    'a secret from a file\n',
    ' a secret in quotes ',
    'ein Schlüssel mit Umlauten',
    'a secret with\ttabs in',
  ])('a secret that is too short, or that no header can carry, is refused at once: %j', async (secret) => {
    const server = await liveServer()
    expect(() => server.drainEndpoint(secret)).toThrow(expect.objectContaining({ code: 'invalid' }))
  })
})
