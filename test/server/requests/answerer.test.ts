import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { z } from 'zod'
import { createLiveSocket, LiveSocketError } from '../../../src/index.js'
import { RequestRefused, type LiveServerOptions, type Request } from '../../../src/server/index.js'
import { liveServer, until } from '../kit.js'

const ask = (id: string, method: string, data?: unknown) => ({
  type: 'request',
  id,
  method,
  ...(data === undefined ? {} : { data }),
})

async function answering(onRequest: LiveServerOptions['onRequest'], options: Partial<LiveServerOptions> = {}) {
  const server = await liveServer({ onRequest, ...options } as Partial<LiveServerOptions<{ subject?: string }>>)
  return { server, leg: await server.join() }
}

describe('a request', () => {
  test('is answered by its handler to its sender alone', async () => {
    const { server, leg } = await answering({ login: ({ data, user, session }) => ({ data, user, session }) })
    const other = await server.join({ topics: { room: {} } })
    leg.send(ask('1', 'login', { password: 'x' }))
    expect(await leg.next('ack')).toMatchObject({
      id: '1',
      data: { data: { password: 'x' }, user: { subject: 'anybody' } },
    })
    await other.settle()
    expect(other.of('message')).toEqual([])
    expect(server.stats()).toMatchObject({ requested: 1, published: 0 })
  })

  test('of a method whose schemas are undefined is answered like one without schemas', async () => {
    const { leg } = await answering({ fast: () => 'fast' }, { methods: { fast: undefined } as never })
    leg.send(ask('1', 'fast'))
    expect(await leg.next('ack')).toMatchObject({ id: '1', data: 'fast' })
  })

  test('waits for no other request and for no publish', async () => {
    let release = (_: string) => {}
    const slow = new Promise<string>((resolve) => (release = resolve))
    const { leg } = await answering(
      { slow: () => slow, fast: () => 'fast' },
      { onPublish: async () => void (await slow) },
    )
    leg.send({ type: 'publish', id: 'p', topic: 't', data: 1 })
    leg.send(ask('1', 'slow'))
    leg.send(ask('2', 'fast'))
    expect(await leg.next('ack')).toMatchObject({ id: '2', data: 'fast' })
    release('slow')
    await until(() => leg.of('ack').length === 3, 'all are answered')
  })

  test.each<[string, (ask: Request<any>) => unknown, object, number]>([
    [
      'refuses',
      () => Promise.reject(new RequestRefused('full', 'No room.', { left: 0 })),
      { code: 'full', message: 'No room.', data: { left: 0 } },
      0,
    ],
    [
      'refuses for now',
      () => Promise.reject(new RequestRefused('full', 'Later.', { left: 0 }, 90)),
      { code: 'full', retryAfter: 90, data: { left: 0 } },
      0,
    ],
    [
      'throws',
      () => {
        throw new Error('a secret')
      },
      { code: 'error', message: 'The server failed to answer this.' },
      1,
    ],
    [
      'answers with data that JSON cannot express',
      () => 1n,
      { code: 'error', message: 'The request was carried out, but its answer could not be sent.' },
      1,
    ],
    [
      'refuses with data that JSON cannot express',
      () => Promise.reject(new RequestRefused('full', 'No.', 1n)),
      { code: 'full' },
      1,
    ],
    ['answers more than a client reads', () => 'x'.repeat(17 * 1024 * 1024), { code: 'error' }, 1],
  ])('whose handler %s gets a nack, and the leg goes on', async (_, handler, told, errors) => {
    const { server, leg } = await answering({ m: handler, fine: () => 1 })
    leg.send(ask('1', 'm'))
    const nack = await leg.next('nack')
    expect(nack).toMatchObject({ id: '1', ...told })
    expect(JSON.stringify(nack)).not.toContain('secret')
    expect(server.errors).toHaveLength(errors)
    leg.send(ask('2', 'fine'))
    expect(await leg.next('ack')).toMatchObject({ id: '2', data: 1 })
  })

  test.each(['nobody', 'constructor', '__proto__', 'livesocket.nothing'])(
    'of an unknown method %s is refused',
    async (method) => {
      const { leg } = await answering({})
      leg.send(ask('1', method))
      expect(await leg.next('nack')).toMatchObject({ id: '1', code: 'unknown-method' })
    },
  )

  test('that hangs ends as outcome-unknown at requestTimeout, and its signal is aborted', async () => {
    let signal: AbortSignal | undefined
    const { server, leg } = await answering(
      { hang: (ask) => ((signal = ask.signal), new Promise(() => undefined)) },
      { limits: { requestTimeout: 30 } },
    )
    leg.send(ask('1', 'hang'))
    expect(await leg.next('nack')).toMatchObject({ code: 'outcome-unknown' })
    expect([signal!.aborted, server.errors.length]).toEqual([true, 1])
  })

  test('has a signal that is aborted when the client cancels, and when its leg is gone', async () => {
    const signals: AbortSignal[] = []
    const { server, leg } = await answering({
      hang: ({ signal }) => (signals.push(signal), new Promise(() => undefined)),
    })
    leg.send(ask('1', 'hang'))
    leg.send({ type: 'cancel', id: '1' })
    leg.send(ask('2', 'hang'))
    await until(() => signals.length === 2 && signals[0]!.aborted, 'the first was given up')
    expect(signals[1]!.aborted).toBe(false)
    leg.ws.terminate()
    await until(() => signals[1]!.aborted, 'the leg is gone')
    expect(server.errors).toEqual([])
  })

  test('over maxRequests gets busy, and those under way are still answered', async () => {
    let release = (_: number) => {}
    const { leg } = await answering(
      { slow: () => new Promise((resolve) => (release = resolve)) },
      { limits: { maxRequests: 1 } },
    )
    leg.send(ask('1', 'slow'))
    leg.send(ask('2', 'slow'))
    expect(await leg.next('nack')).toMatchObject({ id: '2', code: 'busy', retryAfter: 1_000 })
    release(5)
    expect(await leg.next('ack')).toMatchObject({ id: '1', data: 5 })
  })

  test('with an id that is already under way counts on its own, and is aborted with its leg', async () => {
    const signals: AbortSignal[] = []
    const { leg } = await answering(
      { hang: ({ signal }) => new Promise(() => void signals.push(signal)) },
      { limits: { maxRequests: 2 } },
    )
    for (let at = 0; at < 3; at++) leg.send(ask('same', 'hang'))
    expect(await leg.next('nack')).toMatchObject({ id: 'same', code: 'busy' })
    expect(signals).toHaveLength(2)
    leg.ws.terminate()
    await until(() => signals.every(({ aborted }) => aborted), 'the leg is gone')
  })

  test('that does not fit its schema is refused by its path, before the handler; the handler gets the output of the schema', async () => {
    const seen: unknown[] = []
    const methods = {
      rename: {
        input: z.object({ room: z.object({ name: z.string().trim() }) }),
        output: z.object({ ok: z.boolean() }),
      },
    }
    const { server, leg } = await answering(
      { rename: ({ data }) => (seen.push(data), { ok: seen.length > 1 ? 'no' : true }) },
      { methods },
    )
    leg.send(ask('1', 'rename', { room: { name: 7 } }))
    expect(await leg.next('nack')).toMatchObject({ code: 'invalid', message: expect.stringContaining('room.name') })
    leg.send(ask('2', 'rename', { room: { name: ' a ' } }))
    expect(await leg.next('ack')).toMatchObject({ data: { ok: true } })
    leg.send(ask('3', 'rename', { room: { name: 'b' } }))
    expect(await leg.next('nack')).toMatchObject({ id: '3', code: 'error' })
    expect(seen).toEqual([{ room: { name: 'a' } }, { room: { name: 'b' } }])
    expect(String(server.errors[0])).toContain('ok')
  })

  test('on the client is checked by the schemas of its input and its output', async () => {
    const server = await liveServer({
      onRequest: { half: ({ data }: Request<unknown, any>) => (data === 3 ? 'odd' : data / 2) },
    })
    const socket = createLiveSocket({
      url: server.address(),
      environment: { WebSocket },
      schemas: {},
      methods: { half: { input: z.number(), output: z.number() } },
    })
    socket.connect()
    expect(await socket.request('half', 8)).toBe(4)
    const refused = async (data: unknown) =>
      await socket.request('half', data as never).catch((error: unknown) => error)
    for (const data of ['x', 3]) {
      const error = await refused(data)
      expect(error).toBeInstanceOf(LiveSocketError)
      expect(error).toMatchObject({ code: 'invalid' })
    }
    socket.close()
  })
})

test.each([[7], [null], [{ m: 1 }], [{ 'livesocket.history': () => 1 }]])(
  'onRequest of %j is refused at once',
  async (onRequest) => {
    await expect(liveServer({ onRequest: onRequest as never })).rejects.toMatchObject({ code: 'invalid' })
  },
)
